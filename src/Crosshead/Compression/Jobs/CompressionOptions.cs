using Crosshead.Checkpoints;
using Crosshead.Compression.Fits;
using Crosshead.Compression.Search;
using static TorchSharp.torch;

namespace Crosshead.Compression.Jobs;

/// <summary>How far a model's cache is compressed, and how its sizes are found.</summary>
public sealed record CompressionOptions
{
    /// <summary>Default of <see cref="Share"/>.</summary>
    public const double DefaultShare = 0.5;

    /// <summary>Default of <see cref="Rounds"/>.</summary>
    public const int DefaultRounds = 3;

    /// <summary>The method that fits the components.</summary>
    public CompressionMethod Method { get; init; } = CompressionMethod.Fine;

    /// <summary>The layers to compress, in the form that <see cref="LayerSelection"/> reads.</summary>
    public string Layers { get; init; } = "all";

    /// <summary>
    /// The budget: the share of the chosen layers' cache to keep, above 0 and below 1. It is a share of whole heads; a
    /// model that is compressed already must keep more than that.
    /// </summary>
    public double Share { get; init; } = DefaultShare;

    /// <summary>The sizes of every chosen layer, in place of a budget; null for a budget.</summary>
    public LayerPlan? Sizes { get; init; }

    /// <summary>An earlier profile to use; null to measure a profile if a budget needs one.</summary>
    public Profile? Profile { get; init; }

    /// <summary>
    /// Largest number of rounds that measure around the plan to improve it, at least 0. 0 keeps the plan that follows
    /// from the profile.
    /// </summary>
    public int Rounds { get; init; } = DefaultRounds;

    /// <summary>
    /// Largest number of calibration windows for comparing sizes, at least 1. A search measures hundreds of pieces on
    /// these windows.
    /// </summary>
    public int SearchWindows { get; init; } = 32;

    /// <summary>How text is cut into windows, and how many windows are computed at once.</summary>
    public WindowOptions Windows { get; init; } = new();

    /// <summary>Precision of the computation.</summary>
    public ScalarType Compute { get; init; } = ScalarType.Float32;

    /// <summary>The device of the computation; null for the CPU.</summary>
    public Device? Device { get; init; }

    /// <summary>Largest number of bytes of weights per file.</summary>
    public long ShardBytes { get; init; } = ModelDirectory.DefaultShardBytes;

    /// <summary>Whether an existing model in the target folder may be replaced.</summary>
    public bool Overwrite { get; init; }

    /// <summary>The command that asks for it, for the model card; null if unknown.</summary>
    public string? Command { get; init; }

    /// <summary>Checks that all values are in range and fit together.</summary>
    /// <exception cref="CrossheadException">A value is out of range, or two values exclude each other.</exception>
    public void Validate()
    {
        if (!(Share is > 0 and < 1)) throw new CrossheadException($"share ({Share}) must be above 0 and below 1.");
        if (Rounds < 0) throw new CrossheadException($"rounds ({Rounds}) must be at least 0.");
        if (SearchWindows < 1) throw new CrossheadException($"searchWindows ({SearchWindows}) must be at least 1.");
        if (ShardBytes < 1) throw new CrossheadException($"shardBytes ({ShardBytes}) must be at least 1.");
        if (Profile is not null && (Sizes is not null || Method == CompressionMethod.Svd))
            throw new CrossheadException("a profile is for a budget that the method fine spends; leave out the "
                + "profile, or the sizes and the method svd.");
        if (Sizes is { } sizes && sizes.Method != Method)
            throw new CrossheadException(
                $"the sizes are for the method {sizes.Method}, the compression is by {Method}; name one method.");
        Windows.Validate();
    }
}
