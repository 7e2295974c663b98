namespace Crosshead.Decoding;

/// <summary>
/// A fixed batch of sequences on a decoder, sequence i in slot i: their prompts at once, then step by step.
/// </summary>
/// <param name="decoder">The decoder; not disposed with the batch.</param>
public sealed class DecodeBatch(IDecoder decoder)
{
    private readonly DecodePass _pass = new();
    private readonly int[] _rows = new int[decoder.Cache.Slots]; // of each sequence's last token

    /// <summary>Computes the prompts, one per sequence, after what the sequences hold already.</summary>
    /// <param name="prompts">Token ids; none may be empty.</param>
    /// <param name="chunk">Maximum number of tokens of a sequence computed at once.</param>
    /// <param name="cancellation">Checked between chunks.</param>
    /// <exception cref="OperationCanceledException">Cancelled; start again with an empty cache.</exception>
    public void Prefill(IReadOnlyList<IReadOnlyList<int>> prompts, int chunk, CancellationToken cancellation = default)
    {
        var starts = prompts.Select((_, s) => decoder.Cache.LengthOf(s)).ToArray();
        var done = new int[prompts.Count];
        for (int most; (most = prompts.Select((p, s) => p.Count - done[s]).Max()) > 0;)
        {
            _pass.Clear();
            for (var s = 0; s < prompts.Count; s++)
            {
                // The shorter prompts wait for the longest: logits are valid until the next pass only.
                if (most > chunk && prompts[s].Count - done[s] <= chunk) continue;
                for (var end = Math.Min(done[s] + chunk, prompts[s].Count); done[s] < end; done[s]++)
                    Add(s, starts[s] + done[s], prompts[s][done[s]], wanted: done[s] == prompts[s].Count - 1,
                        starts[s] + prompts[s].Count);
            }
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
            if (ids[s] >= 0) Add(s, decoder.Cache.LengthOf(s), ids[s], wanted: true);
        decoder.Run(_pass);
    }

    /// <summary>
    /// Logits [V] after the last token of a sequence, which the last call computed; valid until the next call.
    /// </summary>
    public ReadOnlySpan<float> Logits(int sequence) => decoder.Logits(_rows[sequence]);

    /// <summary>The likeliest token after a sequence, which the last call computed, and its logit.</summary>
    public (int Id, float Logit) MostLikely(int sequence) => decoder.MostLikely(_rows[sequence]);

    private void Add(int slot, int position, int token, bool wanted, int reach = 0)
    {
        _rows[slot] = _pass.Count;
        _pass.Add(slot, position, token, wanted, reach);
    }
}
