namespace Crosshead.Decoding;

/// <summary>Runs of neighbouring slots that begin at the same position. They form one batch.</summary>
/// <param name="Runs">The runs in the order of their slots.</param>
internal sealed record SlotBlock(IReadOnlyList<TokenRun> Runs)
{
    // Largest share of padding in a batch. With more padding, two batches cost less than one.
    private const double MostPadding = 0.5;

    /// <summary>The first slot.</summary>
    public int FirstSlot => Runs[0].Slot;

    /// <summary>The position at which the runs begin.</summary>
    public int Start => Runs[0].Start;

    /// <summary>Number of tokens of the longest run.</summary>
    public int Longest { get; } = Runs.Max(r => r.Count);

    /// <summary>Groups runs that begin at the same position into few batches. No batch is mostly padding.</summary>
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
