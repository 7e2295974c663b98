using Crosshead.Checkpoints;
using Crosshead.Compression.Fits;
using Crosshead.Compression.Search;
using static TorchSharp.torch;

namespace Crosshead.Compression.Jobs;

/// <summary>What a model's cache is compressed to, and how that is found out.</summary>
public sealed record CompressionOptions
{
    /// <summary>Share of the cache that is kept unless another is given.</summary>
    public const double DefaultShare = 0.5;

    /// <summary>Most rounds of measuring around a plan unless others are given.</summary>
    public const int DefaultRounds = 3;

    /// <summary>How components are fitted.</summary>
    public CompressionMethod Method { get; init; } = CompressionMethod.Fine;

    /// <summary>The layers to compress, as <see cref="LayerSelection"/> reads them.</summary>
    public string Layers { get; init; } = "all";

    /// <summary>The budget: share of the chosen layers' cache to keep, above 0 and below 1.</summary>
    public double Share { get; init; } = DefaultShare;

    /// <summary>The sizes of every chosen layer, in place of a budget; null for a budget.</summary>
    public LayerPlan? Sizes { get; init; }

    /// <summary>A profile that was measured before; null to measure one where a budget needs it.</summary>
    public Profile? Profile { get; init; }

    /// <summary>
    /// Most rounds of measuring around the plan, at least 0, which keeps the plan that follows from the profile.
    /// </summary>
    public int Rounds { get; init; } = DefaultRounds;

    /// <summary>
    /// Most calibration windows that sizes are compared on, at least 1: a search measures hundreds of pieces on them.
    /// </summary>
    public int SearchWindows { get; init; } = 32;

    /// <summary>How text is cut, and how many windows are computed at once.</summary>
    public WindowOptions Windows { get; init; } = new();

    /// <summary>Precision of the computation.</summary>
    public ScalarType Compute { get; init; } = ScalarType.Float32;

    /// <summary>Where to compute; null for the CPU.</summary>
    public Device? Device { get; init; }

    /// <summary>Most bytes of weights in a file.</summary>
    public long ShardBytes { get; init; } = ModelDirectory.DefaultShardBytes;

    /// <summary>Whether a model that the folder holds may be replaced.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="CrossheadException">A value is out of its range, or two exclude each other.</exception>
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
