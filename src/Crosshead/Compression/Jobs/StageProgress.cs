namespace Crosshead.Compression.Jobs;

/// <summary>Converts the counts of a compression's parts to the progress of its stages.</summary>
internal static class StageProgress
{
    /// <summary>
    /// Begins a stage and returns a receiver for the amount that is done. Returns null if <paramref name="progress"/>
    /// is null.
    /// </summary>
    public static IProgress<long>? Counted(this CompressionStage stage,
        IProgress<CompressionProgress>? progress, double total)
    {
        progress?.Report(new(stage, 0, total));
        return progress is null ? null : new ImmediateProgress<long>(done => progress.Report(new(stage, done, total)));
    }
}
