namespace Crosshead.Decoding;

/// <summary>Runs of slots that lie side by side and begin at one position: one batch.</summary>
/// <param name="Runs">In the order of their slots.</param>
internal sealed record SlotBlock(IReadOnlyList<TokenRun> Runs)
{
    // More than this share of a batch that is no token of any prompt costs more than a batch of its own.
    private const double MostPadding = 0.5;

    /// <summary>The first slot.</summary>
    public int FirstSlot => Runs[0].Slot;

    /// <summary>The position at which the runs begin.</summary>
    public int Start => Runs[0].Start;

    /// <summary>Tokens of the longest run.</summary>
    public int Longest { get; } = Runs.Max(r => r.Count);

    /// <summary>Puts runs that begin at one position into as few batches as are not mostly padding.</summary>
    public static IEnumerable<SlotBlock> Of(IEnumerable<TokenRun> runs)
    {
        List<TokenRun> block = [];
        foreach (var run in runs.OrderBy(r => r.Slot))
        {
            if (block.Count > 0 && (run.Slot != block[^1].Slot + 1 || IsMostlyPadding([.. block, run])))
            {
                yield return new SlotBlock(block);
                block = [];
            }
            block.Add(run);
        }
        if (block.Count > 0) yield return new SlotBlock(block);
    }

    private static bool IsMostlyPadding(List<TokenRun> runs) =>
        runs.Sum(r => (long)r.Count) < (1 - MostPadding) * runs.Count * runs.Max(r => r.Count);
}
