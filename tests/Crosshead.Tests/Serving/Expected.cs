using Crosshead.Decoding;
using Crosshead.Generation;
using Crosshead.Serving;
using Crosshead.Tests.Generation;

namespace Crosshead.Tests.Serving;

/// <summary>What a request alone would give: the same drawing, on logits of the tokens themselves.</summary>
internal static class Expected
{
    /// <summary>The events of one choice.</summary>
    public static List<EngineEvent> Events(EngineRequest request, int choice, int context, int vocabulary, long seed)
    {
        var codec = new LetterCodec();
        var options = new GenerationOptions
        {
            MaxTokens = request.MaxTokens,
            MinTokens = request.MinTokens,
            StopStrings = request.StopStrings,
            IncludesStopString = request.IncludesStopString,
            EndTokens = request.EndTokens,
            Sampling = request.Sampling with { Seed = seed },
        };
        var answer = new Request(request.Prompt, choice, context, options, new DrawableTokens(vocabulary),
            codec.CreateStream());
        var scratch = new SamplerScratch(vocabulary);
        var constraint = request.Constraint?.Invoke();
        List<EngineEvent> events = [];
        if (request.MaxTokens == 0) return [new(choice, -1, "", null, answer.EndEmpty().Stop)];
        while (answer.Stop is null)
        {
            var logits = FakeDecoder.LogitsAfter(answer.Known, vocabulary);
            var token = answer.Advance(new OneRow(logits), 0, scratch,
                constraint is null ? default : constraint.Allowed, constraint?.MayEnd ?? false);
            if (token is { Id: >= 0, Stop: not StopReason.EndToken }) constraint?.Accept(token.Id);
            var logprob = token.Id >= 0 && request.Logprobs is { } top ? Logprob(logits, token.Id, top) : null;
            events.Add(new(choice, token.Id, token.Text, logprob, token.Stop, answer.StopString));
        }
        return events;
    }

    /// <summary>The log-probability of a token, plainly.</summary>
    public static TokenLogprob Logprob(float[] logits, int id, int top)
    {
        var sum = Math.Log(logits.Sum(l => Math.Exp(l)));
        return new(id, (float)(logits[id] - sum), [.. Enumerable.Range(0, logits.Length)
            .OrderByDescending(i => logits[i]).ThenBy(i => i).Take(top).Select(i => (i, (float)(logits[i] - sum)))]);
    }

    /// <summary>Checks that two log-probabilities are equal but for rounding.</summary>
    public static void AssertEqual(TokenLogprob? expected, TokenLogprob? actual)
    {
        Assert.Equal(expected?.Id, actual?.Id);
        if (expected is null) return;
        Assert.Equal(expected.Logprob, actual!.Logprob, 1e-5f);
        Assert.Equal(expected.Top.Select(t => t.Id), actual.Top.Select(t => t.Id));
        foreach (var ((_, a), (_, b)) in expected.Top.Zip(actual.Top)) Assert.Equal(a, b, 1e-5f);
    }

    private sealed class OneRow(float[] logits) : IDecoder
    {
        public Crosshead.Attention.Caches.ICacheStore Cache => throw new NotSupportedException();

        public int VocabularySize => logits.Length;

        public void Run(DecodePass pass, CancellationToken cancellation = default) => throw new NotSupportedException();

        public ReadOnlySpan<float> Logits(int row) => logits;

        public void Dispose()
        {
        }
    }
}
