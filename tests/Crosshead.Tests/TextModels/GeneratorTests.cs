using Crosshead.Generation;
using Crosshead.Tests.Generation;
using TorchSharp;
using static TorchSharp.torch;
using Generator = Crosshead.TextModels.Generator;

namespace Crosshead.Tests.TextModels;

public sealed class GeneratorTests
{
    private static readonly GenerationOptions Greedy = new() { MaxTokens = 8, Sampling = SamplingOptions.Greedy };

    public static TheoryData<string> Names => TinyModels.Names;

    [Theory, MemberData(nameof(Names))]
    public void Greedy_is_the_most_likely_token_of_the_whole_sequence_each_time(string name)
    {
        using var model = TinyModels.Create(name);
        var ids = TinyModels.Ids(5).ToList();
        var answer = Assert.Single(Generate(new Generator(model), [ids.ToArray()], Greedy));
        Assert.Equal(StopReason.Length, answer.Stop);
        Assert.Equal(8, answer.Ids.Count);
        foreach (var id in answer.Ids)
        {
            var logits = TinyModels.Reference(model, [.. ids])[^1];
            Assert.Equal(logits.Max(), logits[id], 1e-4f);
            ids.Add(id);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void A_batch_of_unequal_prompts_is_each_prompt_alone(string name)
    {
        using var model = TinyModels.Create(name);
        int[][] prompts = [TinyModels.Ids(2, 1), TinyModels.Ids(9, 2), TinyModels.Ids(5, 3)];
        var options = Greedy with { MaxTokens = 40, PrefillChunk = 4 }; // to the end of the context of 24
        // by vector kernels, and by tensor operators
        foreach (var type in new[] { ScalarType.Float32, ScalarType.Float64 })
        {
            model.Freeze(type);
            using var generator = new Generator(model);
            var together = Generate(generator, prompts, options);
            for (var i = 0; i < prompts.Length; i++)
            {
                var alone = Assert.Single(Generate(generator, [prompts[i]], options with { PrefillChunk = 512 }));
                Assert.Equal(alone.Ids, together[i].Ids);
                Assert.Equal(24 - prompts[i].Length, alone.Ids.Count);
                Assert.Equal(StopReason.Context, together[i].Stop);
            }
        }
    }

    [Theory]
    [InlineData("gqa")]
    [InlineData("mea c<g")]
    [InlineData("talking-heads")]
    public void Prompts_beyond_the_slots_start_when_others_end_and_each_is_as_alone(string name)
    {
        using var model = TinyModels.Create(name);
        int[][] prompts = [.. Enumerable.Range(0, 7).Select(i => TinyModels.Ids(1 + (i * 5 % 13), i))];
        var options = new GenerationOptions
        {
            MaxTokens = 9,
            EndTokens = [3, 5, 8, 13, 21, 34], // some end early
            Sampling = new SamplingOptions { Seed = 6 },
            PrefillChunk = 4,
        };
        foreach (var type in new[] { ScalarType.Float32, ScalarType.Float64 })
        {
            model.Freeze(type);
            using var generator = new Generator(model);
            var all = Generate(generator, prompts, options); // seven slots
            for (var slots = 1; slots < 7; slots += 2)
            {
                using var run = generator.Start(prompts, options with { Batch = slots });
                var open = new HashSet<int>();
                foreach (var token in run.Tokens(TestContext.Current.CancellationToken))
                {
                    open.Add(token.Sequence);
                    Assert.InRange(open.Count, 1, slots);
                    if (token.Stop is not null) open.Remove(token.Sequence);
                }
                Assert.Equal(all.Select(a => (string.Join(' ', a.Ids), a.Stop)),
                    run.Sequences.Select(a => (string.Join(' ', a.Ids), a.Stop)));
            }
        }
    }

    [Fact]
    public void A_run_that_is_cancelled_ends_the_prompts_that_have_not_started_too()
    {
        using var model = TinyModels.Create("gqa");
        using var generator = new Generator(model);
        using var cancellation = new CancellationTokenSource();
        int[][] prompts = [.. Enumerable.Range(0, 5).Select(i => TinyModels.Ids(3, i))];
        using var run = generator.Start(prompts, Greedy with { Batch = 2 });
        List<GeneratedToken> tokens = [];
        foreach (var token in run.Tokens(cancellation.Token))
        {
            tokens.Add(token);
            if (tokens.Count == 20) cancellation.Cancel(); // two have ended with 8 tokens each
        }
        Assert.Equal([StopReason.Length, StopReason.Length, StopReason.Cancelled, StopReason.Cancelled,
            StopReason.Cancelled], run.Sequences.Select(s => s.Stop));
        Assert.Equal(3, tokens.Count(t => t.Stop == StopReason.Cancelled));
    }

    [Fact]
    public void A_seed_repeats_and_sequences_of_a_batch_draw_differently()
    {
        using var model = TinyModels.Create("gqa");
        var generator = new Generator(model);
        var options =
            new GenerationOptions { MaxTokens = 15, Sampling = new SamplingOptions { Seed = 4, Temperature = 2 } };
        var prompt = TinyModels.Ids(4);
        var first = Generate(generator, [prompt, prompt], options);
        Assert.Equal(first[0].Ids, Generate(generator, [prompt], options)[0].Ids);
        Assert.NotEqual(first[0].Ids, first[1].Ids);
    }

    [Fact]
    public void Ends_at_an_end_token_which_is_kept_among_the_ids_and_not_in_the_text()
    {
        using var model = TinyModels.Create("mea c=g");
        var prompt = TinyModels.Ids(4);
        var free = Generate(new Generator(model, new LetterCodec()), [prompt], Greedy)[0];
        var end = free.Ids[3];
        var ended = Generate(new Generator(model, new LetterCodec()), [prompt], Greedy with { EndTokens = [end] })[0];
        var first = free.Ids.ToList().IndexOf(end);
        Assert.Equal(StopReason.EndToken, ended.Stop);
        Assert.Equal(free.Ids.Take(first + 1), ended.Ids);
        Assert.Equal(LetterCodec.Text(free.Ids.Take(first)), ended.Text);
    }

    [Theory]
    [InlineData(ScalarType.Float32)] // by vector kernels
    [InlineData(ScalarType.Float64)] // by tensor operators
    public void Ids_that_are_no_tokens_are_not_drawn_greedily_or_at_random(ScalarType type)
    {
        using var model = TinyModels.Create("gqa");
        using (no_grad()) // the rows from 30 on, and row 3, are the likeliest of all
            foreach (var row in new[] { 3, 30, 31, 32, 33, 34, 35, 36 })
                model.Parameters.Single(p => p.Name == "lm_head.weight").Value[row].mul_(50);
        model.Freeze(type);
        int[][] prompts = [TinyModels.Ids(3, vocabulary: 30), [33, 3, 2]];
        var options = Greedy with { MaxTokens = 15 };
        foreach (var sampling in new[]
        {
            SamplingOptions.Greedy, new SamplingOptions { Seed = 1, Temperature = 2 },
            new SamplingOptions { Temperature = 0, RepetitionPenalty = 1.5 },
        })
        {
            var open = Generate(new Generator(model), prompts, options with { Sampling = sampling });
            Assert.Contains(open.SelectMany(s => s.Ids), id => id is 3 or >= 30);
            var bound = Generate(new Generator(model, new LetterCodec { Size = 30, Unknown = 3 }), prompts,
                options with { Sampling = sampling });
            Assert.All(bound, s => Assert.Equal((15, StopReason.Length), (s.Ids.Count, s.Stop)));
            Assert.DoesNotContain(bound.SelectMany(s => s.Ids), id => id is 3 or >= 30);
        }
        // Unless it ends the text.
        var ended = Generate(new Generator(model, new LetterCodec { Size = 30, Unknown = 3 }), prompts,
            options with { EndTokens = [30, 31, 32, 33, 34, 35, 36] });
        Assert.All(ended, s => Assert.Equal(StopReason.EndToken, s.Stop));
    }

    [Theory]
    [InlineData(20, StopReason.Length)]
    [InlineData(21, StopReason.Context)]
    [InlineData(int.MaxValue, StopReason.Context)]
    public void A_full_context_is_another_ending_than_enough_tokens(int maxTokens, StopReason stop)
    {
        using var model = TinyModels.Create("gqa"); // of 24 tokens
        var answers = Generate(new Generator(model), [TinyModels.Ids(4), TinyModels.Ids(2)],
            Greedy with { MaxTokens = maxTokens });
        Assert.Equal((20, stop), (answers[0].Ids.Count, answers[0].Stop));
        Assert.Equal(maxTokens == int.MaxValue ? (22, StopReason.Context) : (maxTokens, StopReason.Length),
            (answers[1].Ids.Count, answers[1].Stop));
    }

    [Fact]
    public void A_stop_string_over_several_tokens_is_found_and_never_shown()
    {
        using var model = TinyModels.Create("gqa");
        var generator = new Generator(model, new LetterCodec());
        var text = Generate(generator, [TinyModels.Ids(4)], Greedy)[0].Text;
        var stop = text[2..5];
        using var run = generator.Start([TinyModels.Ids(4)], Greedy with { StopStrings = [stop, "nothing"] });
        var shown = string.Concat(run.Tokens(TestContext.Current.CancellationToken).Select(t => t.Text));
        Assert.Equal(text[..text.IndexOf(stop, StringComparison.Ordinal)], shown);
        Assert.Equal(StopReason.StopString, run.Sequences[0].Stop);
        Assert.Equal(shown, run.Sequences[0].Text);
    }

    [Fact]
    public void Cancelling_ends_what_is_open()
    {
        using var model = TinyModels.Create("gqa");
        using var source = new CancellationTokenSource();
        using var run = new Generator(model).Start([TinyModels.Ids(4), TinyModels.Ids(6)], Greedy);
        var tokens = new List<GeneratedToken>();
        foreach (var token in run.Tokens(source.Token))
        {
            tokens.Add(token);
            if (tokens.Count == 4) source.Cancel();
        }
        Assert.All(run.Sequences, s => Assert.Equal((StopReason.Cancelled, 2), (s.Stop, s.Ids.Count)));
        Assert.Equal(6, tokens.Count);
    }

    [Fact]
    public void Cancelled_before_the_prompt_is_computed_gives_no_tokens()
    {
        using var model = TinyModels.Create("gqa");
        var answer = new Generator(model)
            .Generate([TinyModels.Ids(4)], Greedy, new CancellationToken(canceled: true))[0];
        Assert.Equal(StopReason.Cancelled, answer.Stop);
        Assert.Empty(answer.Ids);
    }

    [Fact]
    public void Statistics_count_what_happened()
    {
        using var model = TinyModels.Create("gqa");
        using var run = new Generator(model).Start([TinyModels.Ids(4), TinyModels.Ids(6)], Greedy);
        foreach (var _ in run.Tokens(TestContext.Current.CancellationToken)) { }
        var s = run.Statistics;
        Assert.Equal((10, 16, 7, 14), (s.PromptTokens, s.NewTokens, s.DecodeSteps, s.DecodedTokens));
        Assert.True(s.PrefillTokensPerSecond > 0 && s.DecodeTokensPerSecond > 0);
        Assert.True(s.CacheBytes >= (4 + 7 + 6 + 7) * model.CacheBytesPerToken);
    }

    [Fact]
    public void A_run_leaves_no_tensor_behind()
    {
        using var model = TinyModels.Create("differential");
        model.Freeze(ScalarType.Float64); // by tensor operators
        using (no_grad()) model.Logits(tensor(new long[,] { { 1 } })).Dispose(); // makes what stays until the end
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using var generator = new Generator(model);
        Generate(generator, [TinyModels.Ids(4), TinyModels.Ids(7)], Greedy);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Bad_requests_are_refused_in_one_line()
    {
        using var model = TinyModels.Create("gqa");
        var generator = new Generator(model);
        Refused([], Greedy, "no prompt");
        Refused([[]], Greedy, "no tokens");
        Refused([TinyModels.Ids(24)], Greedy, "24 tokens leaves no room");
        Refused([[1, 37]], Greedy, "token 37; the model knows tokens 0 to 36");
        Refused([[-1]], Greedy, "token -1");
        Refused([[1]], Greedy with { MaxTokens = 0 }, "maxTokens (0)");
        Refused([[1]], Greedy with { PrefillChunk = 0 }, "prefillChunk (0)");
        Refused([[1]], Greedy with { StopStrings = [""] }, "stop string is empty");
        Refused([[1]], Greedy with { StopStrings = ["x"] }, "without a tokenizer");
        Refused([[1]], Greedy with { Sampling = new SamplingOptions { TopP = 2 } }, "topP (2)");
        Assert.Throws<CrossheadException>(() => generator.Start(["text"], Greedy));

        void Refused(IReadOnlyList<IReadOnlyList<int>> prompts, GenerationOptions options, string named)
        {
            var e = Assert.Throws<CrossheadException>(() => generator.Start(prompts, options));
            Assert.Contains(named, e.Message);
            Assert.DoesNotContain('\n', e.Message);
        }
    }

    private static IReadOnlyList<GeneratedSequence> Generate(Generator generator,
        IReadOnlyList<IReadOnlyList<int>> prompts, GenerationOptions options) =>
        generator.Generate(prompts, options, TestContext.Current.CancellationToken);
}
