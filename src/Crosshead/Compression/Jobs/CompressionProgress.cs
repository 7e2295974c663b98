namespace Crosshead.Compression.Jobs;

/// <summary>The progress of a compression.</summary>
/// <param name="Stage">The current stage.</param>
/// <param name="Done">Amount of the stage that is done: windows, or pieces of the cache in profiling and
/// searching.</param>
/// <param name="Total">Total amount of the stage; in searching, of one round.</param>
/// <param name="Finding">A sentence about a result of the search; null if only the numbers are new.</param>
public readonly record struct CompressionProgress(CompressionStage Stage, double Done, double Total,
    string? Finding = null);

/// <summary>The stages of a compression that take time, in order.</summary>
public enum CompressionStage
{
    /// <summary>Measures the loss of the original model.</summary>
    MeasuringBefore,

    /// <summary>Runs text through the model to collect statistics for the fits.</summary>
    Calibrating,

    /// <summary>Measures the loss with each piece of the cache made smaller by itself.</summary>
    Profiling,

    /// <summary>Measures the loss with each piece made smaller within the plan, and then plans again.</summary>
    Searching,

    /// <summary>Measures the loss of the compressed model.</summary>
    MeasuringAfter,
}
