using Crosshead.Generation;
using Crosshead.Model;
using Crosshead.Serving;
using Crosshead.Tests.Generation;
using Crosshead.TextModels;
using static TorchSharp.torch;
using Generator = Crosshead.TextModels.Generator;

namespace Crosshead.Tests.TextModels;

public sealed class PromptLoopTests : IDisposable
{
    private readonly LanguageModel _model = TinyModels.Create("mea c<g", context: 500);

    public void Dispose() => _model.Dispose();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void Many_prompts_of_all_lengths_over_few_slots_are_each_as_alone()
    {
        using var generator = new Generator(_model, new LetterCodec());
        // Some prompts share their beginning, answers end raggedly, and two fill the context.
        int[][] prompts = [.. Enumerable.Range(0, 500).Select(i => i % 5 == 0
            ? [.. TinyModels.Ids(70, 1), .. TinyModels.Ids(1 + (i % 7), i)]
            : TinyModels.Ids(i % 100 == 99 ? 480 : 1 + (i * 7 % 40), i))];
        GenerationOptions Options(int i) => new()
        {
            MaxTokens = 1 + (i * 13 % 30),
            EndTokens = [3, 5, 8],
            Sampling = i % 3 == 0 ? SamplingOptions.Greedy : new SamplingOptions { Seed = 4 },
        };
        EngineRequest Request(int i) => generator.RequestOf(prompts[i], Options(i), i);
        // 4 slots of 8 pages, where all together may need more: some lose theirs and are computed again.
        using var loop = generator.CreateLoop(4, 500, pages: 9, prefillChunk: 32);
        var together = loop.InOrder(Enumerable.Range(0, 500).Select(Request), Cancellation).ToArray();
        Assert.Equal(500, together.Length);
        Assert.Contains(together, s => s.Stop == StopReason.Context);
        Assert.Contains(together, s => s.Stop == StopReason.EndToken);
        for (var i = 0; i < 500; i++)
        {
            using var own = generator.CreateLoop(1, 500);
            var alone = Assert.Single(own.InOrder([Request(i)], Cancellation));
            Assert.Equal((string.Join(' ', alone.Ids), alone.Text, alone.Stop),
                (string.Join(' ', together[i].Ids), together[i].Text, together[i].Stop));
        }
    }

    [Fact]
    public void Prompts_are_asked_for_when_a_slot_is_free_and_few_answers_wait_for_an_earlier_one()
    {
        using var generator = new Generator(_model);
        var asked = 0;
        IEnumerable<EngineRequest> Endless(int first)
        {
            for (; ; asked++)
                yield return generator.RequestOf([1, 2],
                    new() { MaxTokens = asked == 0 ? first : 3, Sampling = SamplingOptions.Greedy }, 0);
        }
        using (var loop = generator.CreateLoop(4, 500))
        {
            _ = loop.InOrder(Endless(first: 3), Cancellation).First();
            Assert.Equal(4, asked + 1);
        }
        asked = 0;
        using (var loop = generator.CreateLoop(16, 500))
        {
            _ = loop.InOrder(Endless(first: 400), Cancellation).First();
            Assert.Equal(1024, asked + 1); // then the others waited for the first
        }
    }

    [Fact]
    public void A_prompt_that_is_refused_ends_the_work_after_those_before_it()
    {
        using var generator = new Generator(_model);
        using var loop = generator.CreateLoop(2, 500);
        IEnumerable<EngineRequest> Requests()
        {
            for (var i = 0; i < 5; i++) yield return generator.RequestOf([1 + i], new() { MaxTokens = 9 }, i);
            throw new CrossheadException("the sixth is bad.");
        }
        var answers = new List<GeneratedSequence>();
        var refusal = Assert.Throws<CrossheadException>(() =>
        {
            foreach (var answer in loop.InOrder(Requests(), Cancellation)) answers.Add(answer);
        });
        Assert.Equal("the sixth is bad.", refusal.Message);
        Assert.Equal([9, 9, 9, 9, 9], answers.Select(a => a.Ids.Count));
    }

    [Fact]
    public void Others_go_on_while_the_next_prompt_is_not_there_yet()
    {
        using var generator = new Generator(_model);
        using var loop = generator.CreateLoop(4, 500);
        var waits = 0;
        IEnumerable<EngineRequest?> Requests()
        {
            yield return generator.RequestOf([1], new() { MaxTokens = 9 }, 0);
            for (; !loop.IsIdle; waits++) yield return null;
            yield return generator.RequestOf([2], new() { MaxTokens = 9 }, 0);
        }
        Assert.Equal(2, loop.InOrder(Requests(), Cancellation).Count());
        Assert.Equal(9, waits);
    }

    [Fact]
    public void The_next_block_waits_for_the_last_prompt_of_the_one_before()
    {
        using var generator = new Generator(_model);
        using var loop = generator.CreateLoop(4, 500, block: 6);
        IEnumerable<EngineRequest> Requests()
        {
            for (var i = 0; i < 15; i++)
            {
                Assert.Equal(i % 6 == 0, loop.IsIdle);
                yield return generator.RequestOf([1 + i], new() { MaxTokens = 1 + (i * 5 % 11) }, i);
            }
        }
        Assert.Equal(Enumerable.Range(0, 15).Select(i => 1 + (i * 5 % 11)),
            loop.InOrder(Requests(), Cancellation).Select(s => s.Ids.Count));
    }

    [Fact]
    public void A_logit_that_is_no_number_fails_the_run()
    {
        using (no_grad()) _model.Parameters.Single(p => p.Name == "lm_head.weight").Value.fill_(float.NaN);
        using var generator = new Generator(_model);
        Assert.Contains("finite", Assert.Throws<CrossheadException>(
            () => generator.Generate([[1, 2]], new(), Cancellation)).Message);
    }

    [Fact]
    public void Lanes_take_turns_and_pass_on_what_fails()
    {
        IEnumerable<int> Lane(int lane, CancellationToken stop)
        {
            for (var i = lane; i < 100; i += 3)
            {
                if (i == 70) throw new CrossheadException("lane 1 broke.");
                yield return i;
            }
        }
        var taken = new List<int>();
        Assert.Equal("lane 1 broke.", Assert.Throws<CrossheadException>(() =>
        {
            foreach (var i in Lanes.InTurn(3, 2, Lane, Cancellation)) taken.Add(i);
        }).Message);
        Assert.Equal(Enumerable.Range(0, 70), taken);
        Assert.Equal(Enumerable.Range(0, 60), Lanes.InTurn(3, 2, Lane, Cancellation).Take(60)); // and ends the others
    }
}
