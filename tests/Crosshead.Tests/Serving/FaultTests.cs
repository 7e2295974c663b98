using Crosshead.Generation;
using Crosshead.Runtime;
using Crosshead.Serving;

namespace Crosshead.Tests.Serving;

/// <summary>Steps and requests that fail.</summary>
public sealed class FaultTests
{
    private static EngineRequest Request(int most, int seed = 5) => new()
    {
        Prompt = [seed, 2, 3, 4, 5, 6],
        MaxTokens = most,
        Sampling = new SamplingOptions { Seed = seed },
    };

    private static async Task<CrossheadException> Failure(EngineCall call) =>
        await Assert.ThrowsAnyAsync<CrossheadException>(() => call.Events.Completion);

    [Fact]
    public async Task A_step_that_lacks_memory_costs_its_newest_request_and_the_others_go_on()
    {
        using var engine = new TestEngine(4, 60);
        var requests = new[] { Request(12, 1), Request(12, 2), Request(12, 3) };
        var calls = requests.Select(engine.Submit).ToArray();
        for (var i = 0; i < 4; i++) engine.Step();
        engine.Decoder.Before = _ => throw new DeviceMemoryException("out of memory: 3 GiB");
        engine.Step();
        engine.Decoder.Before = null;
        engine.Finish();
        TestEngine.Read(calls[2]);
        Assert.Equal("out of memory: 3 GiB", (await Failure(calls[2])).Message);
        for (var i = 0; i < 2; i++) engine.AssertAlone(requests[i], calls[i], TestEngine.Read(calls[i]));
        Assert.Equal(EngineState.Ready, engine.Engine.State);
    }

    [Fact]
    public void Failures_here_and_there_do_not_add_up()
    {
        using var engine = new TestEngine(4, 60);
        for (var round = 0; round < 5; round++)
        {
            var calls = Enumerable.Range(1, 4).Select(i => engine.Submit(Request(4, i))).ToArray();
            var left = 2;
            engine.Decoder.Before = _ =>
            {
                if (left-- > 0) throw new DeviceMemoryException("out of memory");
            };
            engine.Finish();
            Assert.Equal(2, calls.Count(c => TestEngine.Read(c).Count == 4));
        }
    }

    [Fact]
    public async Task Logits_that_are_no_numbers_fail_that_request_alone_and_its_pages_are_cleared()
    {
        using var engine = new TestEngine(4, 60);
        var requests = new[] { Request(12, 1), Request(12, 2), Request(12, 3) };
        var calls = requests.Select(engine.Submit).ToArray();
        for (var i = 0; i < 5; i++) engine.Step();
        engine.Decoder.IsBroken = row => row == 1;
        engine.Step();
        engine.Decoder.IsBroken = null;
        engine.Finish();
        TestEngine.Read(calls[1]);
        Assert.Contains("not a finite number", (await Failure(calls[1])).Message);
        Assert.True(engine.Decoder.Cleared >= 2);
        for (var i = 0; i < 3; i += 2) engine.AssertAlone(requests[i], calls[i], TestEngine.Read(calls[i]));
        var again = engine.Submit(requests[1]); // finds nothing of what was computed
        engine.Finish();
        engine.AssertAlone(requests[1], again, TestEngine.Read(again));
        Assert.Equal(0, again.CachedTokens);
    }

    [Fact]
    public async Task A_constraint_that_fails_does_so_for_its_request_alone()
    {
        using var engine = new TestEngine(4, 60);
        var broken = engine.Submit(Request(12) with { Constraint = () => new Broken() });
        var other = engine.Submit(Request(12, 2));
        engine.Finish();
        Assert.Contains("broken", (await Failure(broken)).Message);
        engine.AssertAlone(Request(12, 2), other, TestEngine.Read(other));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task After_a_fault_all_calls_end_with_it_and_no_more_are_taken(bool memory)
    {
        using var decoder = new FakeDecoder(4, 60, TestEngine.PageTokens, TestEngine.Vocabulary);
        using var gate = new SemaphoreSlim(0);
        decoder.Before = _ =>
        {
            gate.Wait();
            throw memory ? new DeviceMemoryException("no memory") : new InvalidOperationException("the device is lost");
        };
        using var engine = new Engine(decoder, new Generation.LetterCodec(), 100, new EngineOptions());
        var calls = Enumerable.Range(1, 6).Select(i => engine.Submit(Request(4, i))).ToArray();
        gate.Release(10);
        for (var i = 0; i < 6; i++)
        {
            var failure = await Failure(calls[i]);
            Assert.Contains(memory ? "no memory" : "the device is lost", failure.Message);
        }
        await engine.DrainAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(EngineState.Failed, engine.State);
        Assert.Contains(memory ? "no memory" : "the device is lost", engine.Failure);
        var refused = Assert.Throws<EngineOverloadedException>(() => engine.Submit(Request(1)));
        Assert.Contains(memory ? "no memory" : "the device is lost", refused.Message);
    }

    private sealed class Broken : ITokenConstraint
    {
        public bool MayEnd => false;

        public ReadOnlySpan<ulong> Allowed => throw new InvalidOperationException("the automaton is broken");

        public void Accept(int id)
        {
        }
    }
}
