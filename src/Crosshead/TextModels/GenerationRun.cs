using Crosshead.Generation;
using Crosshead.Serving;

namespace Crosshead.TextModels;

/// <summary>
/// A running generation. It continues prompts one token at a time, at the pace at which the tokens are read.
/// </summary>
public sealed class GenerationRun : IDisposable
{
    private readonly PromptLoop _loop;
    private readonly IReadOnlyList<EngineRequest> _requests;
    private readonly GrowingSequence[] _sequences; // by prompt
    private bool _started;

    internal GenerationRun(PromptLoop loop, IReadOnlyList<EngineRequest> requests)
    {
        (_loop, _requests) = (loop, requests);
        _sequences = [.. requests.Select(_ => new GrowingSequence())];
    }

    /// <summary>Time and memory of the run so far.</summary>
    public GenerationStatistics Statistics => _loop.Statistics;

    /// <summary>The sequences; complete when <see cref="Tokens"/> has ended.</summary>
    public IReadOnlyList<GeneratedSequence> Sequences => [.. _sequences.Select(s => s.ToSequence())];

    /// <summary>One sequence; complete when its last token has been read.</summary>
    internal GeneratedSequence SequenceOf(int index) => _sequences[index].ToSequence();

    /// <summary>
    /// Generates the tokens; can be called once. The last token of each sequence carries its stop reason. A cancelled
    /// run ends its open sequences with <see cref="StopReason.Cancelled"/> and does not throw.
    /// </summary>
    /// <exception cref="InvalidOperationException">The method was called before.</exception>
    public IEnumerable<GeneratedToken> Tokens(CancellationToken cancellation = default)
    {
        if (_started) throw new InvalidOperationException("the tokens of a run can be read once; start another run.");
        _started = true;
        return Generate(cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => _loop.Dispose();

    private IEnumerable<GeneratedToken> Generate(CancellationToken cancellation)
    {
        foreach (var token in _loop.Run(_requests, cancellation))
        {
            _sequences[token.Sequence].Add(token);
            yield return token;
        }
        for (var i = 0; i < _sequences.Length; i++) // of a cancelled run, those that have not begun
        {
            if (_sequences[i].HasEnded) continue;
            var token = new GeneratedToken(i, -1, "", StopReason.Cancelled);
            _sequences[i].Add(token);
            yield return token;
        }
    }
}
