using Crosshead.Generation;
using Crosshead.Serving;

namespace Crosshead.Tests.Serving;

/// <summary>What requests find computed, and that it changes nothing but the work.</summary>
public sealed class PrefixTests
{
    private static EngineRequest Request(int[] prompt, int most = 4, long seed = 1) => new()
    {
        Prompt = prompt,
        MaxTokens = most,
        Sampling = new SamplingOptions { Seed = seed },
    };

    private static int[] Ids(int count, int first = 0) =>
        [.. Enumerable.Range(0, count).Select(i => (first + (i * 5)) % TestEngine.Vocabulary)];

    private static EngineCall Serve(TestEngine engine, EngineRequest request)
    {
        var call = engine.Submit(request);
        engine.Finish();
        engine.AssertAlone(request, call, TestEngine.Read(call));
        return call;
    }

    [Theory]
    [InlineData(13, 12)]
    [InlineData(12, 8)]  // the last token is computed in any case
    [InlineData(4, 0)]
    [InlineData(3, 0)]
    [InlineData(5, 4)]
    public void A_repeated_prompt_finds_its_whole_pages_but_for_its_last_token(int length, int found)
    {
        using var engine = new TestEngine(2, 40);
        Assert.Equal(0, Serve(engine, Request(Ids(length))).CachedTokens);
        var before = engine.Engine.Statistics;
        Assert.Equal(found, Serve(engine, Request(Ids(length), seed: 2)).CachedTokens);
        var after = engine.Engine.Statistics;
        Assert.Equal(length - found + 3, after.StepTokens - before.StepTokens); // and three drawn tokens
        Assert.Equal((2 * length, found), (after.PrefixQueries, after.PrefixHits));
        Assert.Equal(2 * length, after.PromptTokens);
    }

    [Fact]
    public void The_next_turn_of_a_conversation_finds_the_answer_too()
    {
        using var engine = new TestEngine(2, 40);
        var first = Request(Ids(6), most: 11);
        var call = engine.Submit(first);
        engine.Finish();
        int[] next = [.. first.Prompt, .. TestEngine.Read(call).Select(e => e.Id), 3, 1, 4];
        Assert.Equal(16, Serve(engine, Request(next)).CachedTokens); // 6 + 11 − 1 tokens are computed: four pages
    }

    [Fact]
    public void Name_spaces_share_nothing()
    {
        using var engine = new TestEngine(2, 40);
        Serve(engine, Request(Ids(13)) with { CacheSalt = "a" });
        Assert.Equal(0, Serve(engine, Request(Ids(13)) with { CacheSalt = "b" }).CachedTokens);
        Assert.Equal(0, Serve(engine, Request(Ids(13))).CachedTokens);
        Assert.Equal(12, Serve(engine, Request(Ids(13)) with { CacheSalt = "a" }).CachedTokens);
        Assert.Equal(12, Serve(engine, Request(Ids(13))).CachedTokens);
    }

    [Fact]
    public void Log_probabilities_of_a_prompt_read_nothing_and_leave_it_to_others()
    {
        using var engine = new TestEngine(2, 40);
        Serve(engine, Request(Ids(13)));
        Assert.Equal(0, Serve(engine, Request(Ids(13)) with { PromptLogprobs = 2 }).CachedTokens);
        Assert.Equal(0, Serve(engine, Request(Ids(13, 3)) with { PromptLogprobs = 0, MaxTokens = 0 }).CachedTokens);
        Assert.Equal(12, Serve(engine, Request(Ids(13, 3))).CachedTokens);
    }

    [Fact]
    public void Choices_share_their_prompt_with_and_without_a_common_cache()
    {
        foreach (var prefixes in new[] { true, false })
        {
            using var engine = new TestEngine(5, 60, new EngineOptions { PrefixCache = prefixes });
            var request = Request(Ids(30), most: 3) with { Choices = 5 };
            var call = engine.Submit(request);
            var most = 0;
            while (engine.Engine.Statistics is not { Running: 0, Waiting: 0 })
            {
                engine.Step();
                var statistics = engine.Engine.Statistics;
                most = Math.Max(most, statistics.Pages - statistics.FreePages);
            }
            engine.AssertAlone(request, call, TestEngine.Read(call));
            // 7 pages are shared; each choice computes the last two prompt tokens and keeps up to two drawn ones
            Assert.Equal(30 + (4 * 2) + (5 * 2), engine.Engine.Statistics.StepTokens);
            Assert.Equal(7 + 5, most);
            Assert.Equal(prefixes ? 12 : 0, engine.Engine.Statistics.CachedPages + (prefixes ? 12 - most : 0));
            Serve(engine, Request(Ids(30)));
            Assert.Equal(prefixes ? 28 : 0, engine.Engine.Statistics.PrefixHits);
        }
    }

    [Fact]
    public void Requests_that_come_together_compute_their_common_beginning_once()
    {
        using var engine = new TestEngine(8, 100, new EngineOptions { MaxStepTokens = 64, PrefillGrain = 4 });
        var requests = Enumerable.Range(0, 8).Select(i => Request([.. Ids(40), i, i], most: 1)).ToArray();
        var calls = requests.Select(engine.Submit).ToArray();
        engine.Finish();
        for (var i = 0; i < 8; i++) engine.AssertAlone(requests[i], calls[i], TestEngine.Read(calls[i]));
        Assert.Equal(40 + (8 * 2), engine.Engine.Statistics.StepTokens);
    }

    [Fact]
    public void Equal_pages_that_were_computed_twice_are_kept_once()
    {
        using var engine = new TestEngine(2, 40, new EngineOptions { MaxStepTokens = 8, PrefillGrain = 1 });
        // The second one does not wait, because the first needs many steps for a page.
        var requests = new[] { Request(Ids(16), most: 6), Request(Ids(16), most: 6, seed: 2) };
        var calls = requests.Select(r => engine.Submit(r)).ToArray();
        engine.Step();
        engine.Finish();
        for (var i = 0; i < 2; i++) engine.AssertAlone(requests[i], calls[i], TestEngine.Read(calls[i]));
        Assert.InRange(engine.Engine.Statistics.CachedPages, 4, 3 + (2 * 2)); // three of the prompt, two of each answer
    }

    [Fact]
    public void The_longest_unused_prefix_goes_first_and_its_end_before_its_beginning()
    {
        using var engine = new TestEngine(1, 8);
        Serve(engine, Request(Ids(13), most: 1));      // three pages and one token
        Serve(engine, Request(Ids(13, 1), most: 1));   // three others
        Assert.Equal(12, Serve(engine, Request(Ids(13), most: 1)).CachedTokens); // used again
        Assert.Equal(6, engine.Engine.Statistics.CachedPages);
        Serve(engine, Request(Ids(13, 2), most: 1));   // needs four: two are free
        Assert.Equal(12, Serve(engine, Request(Ids(13), most: 1)).CachedTokens);
        Assert.Equal(4, Serve(engine, Request(Ids(13, 1), most: 1)).CachedTokens);
    }

    [Fact]
    public void Forgotten_prefixes_are_free_pages()
    {
        using var engine = new TestEngine(1, 8);
        Serve(engine, Request(Ids(13)));
        Assert.True(engine.Engine.Statistics.CachedPages > 0);
        engine.Engine.ClearPrefixes();
        engine.Step();
        Assert.Equal((8, 0), (engine.Engine.Statistics.FreePages, engine.Engine.Statistics.CachedPages));
        Assert.Equal(0, Serve(engine, Request(Ids(13))).CachedTokens);
    }

    [Fact]
    public void Equal_hashes_of_different_tokens_are_no_hit()
    {
        var pool = new PagePool(4);
        var tree = new PrefixTree(pool, keeps: true);
        pool.TryTake(out var page);
        var node = tree.Publish(null, 7, null, [1, 2], page);
        Assert.NotNull(node);
        Assert.Same(node, tree.Find(null, 7, null, [1, 2]));
        Assert.Null(tree.Find(null, 7, null, [1, 3]));
        Assert.Null(tree.Find(null, 7, "salt", [1, 2]));
        Assert.Null(tree.Find(node, 7, null, [1, 2]));
        pool.TryTake(out var other);
        Assert.Null(tree.Publish(null, 7, null, [1, 3], other));
        Assert.Same(node, tree.Publish(null, 7, null, [1, 2], other));
        tree.Release(other);
        tree.Release(page);
        Assert.Equal((3, 1, 1), (pool.Free, pool.Cached, tree.Count));
        tree.Use(node);
        Assert.False(tree.TryEvict());
        tree.Release(page);
        Assert.True(tree.TryEvict());
        Assert.Equal((4, 0, 0), (pool.Free, pool.Cached, tree.Count));
        Assert.Throws<InvalidOperationException>(() => pool.Release(page));
        Assert.Throws<InvalidOperationException>(() => pool.Share(page));
    }
}
