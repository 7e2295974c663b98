namespace Crosshead.Decoding;

/// <summary>
/// A fixed batch of sequences on a decoder, sequence i in slot i: their prompts at once, then step by step.
/// </summary>
/// <param name="decoder">The decoder; not disposed with the batch.</param>
public sealed class DecodeBatch(IDecoder decoder)
{
    private readonly DecodePass _pass = new();

    /// <summary>Computes the prompts, one per sequence, after what the sequences hold already.</summary>
    /// <param name="prompts">Token ids; none may be empty.</param>
    /// <param name="chunk">Most tokens of a sequence computed at once.</param>
    /// <param name="cancellation">Looked at between chunks.</param>
    /// <exception cref="OperationCanceledException">Cancelled; start again with an empty cache.</exception>
    public void Prefill(IReadOnlyList<IReadOnlyList<int>> prompts, int chunk, CancellationToken cancellation = default)
    {
        var starts = prompts.Select((_, s) => decoder.Cache.LengthOf(s)).ToArray();
        for (var done = 0; done < prompts.Max(p => p.Count); done += chunk)
        {
            _pass.Clear();
            for (var s = 0; s < prompts.Count; s++)
                for (var n = done; n < Math.Min(done + chunk, prompts[s].Count); n++)
                    _pass.Add(s, starts[s] + n, prompts[s][n], wanted: n == prompts[s].Count - 1);
            cancellation.ThrowIfCancellationRequested();
            decoder.Run(_pass, cancellation);
        }
    }

    /// <summary>Computes one more token of every sequence.</summary>
    /// <param name="ids">One per sequence; −1 for a sequence that rests.</param>
    public void Step(ReadOnlySpan<int> ids)
    {
        _pass.Clear();
        for (var s = 0; s < ids.Length; s++)
            if (ids[s] >= 0) _pass.Add(s, decoder.Cache.LengthOf(s), ids[s], wanted: true);
        decoder.Run(_pass);
    }
}
