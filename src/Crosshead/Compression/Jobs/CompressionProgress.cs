namespace Crosshead.Compression.Jobs;

/// <summary>How far a compression is.</summary>
/// <param name="Stage">What is being done.</param>
/// <param name="Done">How much of it is done: windows, or pieces of the cache while profiling and searching.</param>
/// <param name="Total">How much there is; of a search, in one round.</param>
/// <param name="Finding">A sentence on what a search found; null where only the numbers are new.</param>
public readonly record struct CompressionProgress(CompressionStage Stage, double Done, double Total,
    string? Finding = null);

/// <summary>The stages of a compression that take time, in their order.</summary>
public enum CompressionStage
{
    /// <summary>The loss of the model as it is.</summary>
    MeasuringBefore,

    /// <summary>Text runs through the model for the fits' statistics.</summary>
    Calibrating,

    /// <summary>Each piece of the cache is made smaller by itself.</summary>
    Profiling,

    /// <summary>Pieces are made smaller within the plan, which is then made anew.</summary>
    Searching,

    /// <summary>The loss of the compressed model.</summary>
    MeasuringAfter,
}
