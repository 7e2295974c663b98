namespace Crosshead.Compression.Jobs;

/// <summary>Reports what the parts of a compression count as the progress of its stages.</summary>
internal static class StageProgress
{
    /// <summary>
    /// Begins a stage; what is reported to the result is how much of it is done. Null where nobody is told.
    /// </summary>
    public static IProgress<long>? Counted(this CompressionStage stage,
        IProgress<CompressionProgress>? progress, double total)
    {
        progress?.Report(new(stage, 0, total));
        return progress is null ? null : new ImmediateProgress<long>(done => progress.Report(new(stage, done, total)));
    }
}
