using Crosshead.Generation;
using Crosshead.Serving;
using CsCheck;

namespace Crosshead.Tests.Serving;

/// <summary>Requests of all kinds.</summary>
internal static class Requests
{
    private static readonly Gen<SamplingOptions> Sampling = Gen.OneOf(
        Gen.Const(SamplingOptions.Greedy),
        Gen.Int[0, 99].Select(seed => new SamplingOptions { Seed = seed }),
        Gen.Select(Gen.Int[0, 99], Gen.Int[1, 9], (seed, k) => new SamplingOptions
        {
            Seed = seed,
            TopK = k,
            PresencePenalty = 1.5,
            FrequencyPenalty = 0.5,
            RepetitionPenalty = 1.2,
            LogitBias = new Dictionary<int, float> { [3] = -4, [5] = 2 },
        }));

    /// <summary>A request of at most some tokens, whose beginning is one of few.</summary>
    public static Gen<EngineRequest> Any(int context) => Gen.Select(
        Gen.Int[0, 2], Gen.Int[0, 30], Gen.Int[0, TestEngine.Vocabulary - 1].Array[0, 12],
        Gen.Select(Gen.Int[0, 25], Gen.Int[0, 6], Gen.Int[0, 9], Gen.Bool),
        Gen.Select(Sampling, Gen.Frequency((4, Gen.Const(1)), (1, Gen.Int[2, 3]))),
        Gen.Select(Gen.Int[0, 12], Gen.Int[0, 12], Gen.Int[0, 2], Gen.Int[0, 7]),
        (group, length, own, lengths, drawing, extras) =>
        {
            var (most, least, stop, includes) = lengths;
            var (sampling, choices) = drawing;
            var (top, promptTop, salt, constraint) = extras;
            int[] prompt = [.. Enumerable.Range(0, length).Select(i => ((i * 7) + group) % TestEngine.Vocabulary),
                .. own];
            if (prompt.Length == 0) prompt = [group];
            if (prompt.Length >= context) prompt = prompt[..(context - 1)];
            most = Math.Min(most, context - prompt.Length);
            return new EngineRequest
            {
                Prompt = prompt,
                MaxTokens = most,
                MinTokens = Math.Min(least, most),
                Sampling = sampling,
                EndTokens = stop % 3 == 0 ? [1, 2] : [],
                StopStrings = stop % 4 == 0 ? ["AB", "C", "CD", "FGH"] : [],
                IncludesStopString = includes,
                Choices = choices,
                Logprobs = top < 4 ? top : null,
                PromptLogprobs = promptTop < 3 ? promptTop : null,
                CacheSalt = salt == 0 ? "salt" : null,
                Priority = salt,
                Constraint = constraint == 0 ? () => new ParityConstraint() : null,
            };
        });

    /// <summary>Allows even tokens and odd ones in turn, in any number up to ten.</summary>
    private sealed class ParityConstraint : ITokenConstraint
    {
        private readonly ulong[] _allowed = new ulong[1];
        private int _count;

        public bool MayEnd => _count % 3 == 0;

        public ReadOnlySpan<ulong> Allowed
        {
            get
            {
                _allowed[0] = _count == 10 ? 0 : _count % 2 == 0 ? 0x5555555555555555 : 0xAAAAAAAAAAAAAAAA;
                return _allowed;
            }
        }

        public void Accept(int id)
        {
            Assert.Equal(_count % 2, id % 2);
            _count++;
        }
    }
}
