namespace Crosshead.Attention;

/// <summary>
/// What the library must know of a mechanism without making a layer of it. Each mechanism states it in its own file.
/// </summary>
internal sealed record AttentionTraits
{
    /// <summary>Whether its key and value heads can be composed of components.</summary>
    public bool HasComponents { get; init; }

    /// <summary>
    /// Number of value heads that lie side by side in one row of the cache, because the same weights sum them.
    /// </summary>
    public int ValueHeadsPerRow { get; init; } = 1;

    /// <summary>
    /// Whether a softmax of a head's scores is all that lies between them and the values, as kernels over a cache want.
    /// </summary>
    public bool IsSoftmax { get; init; } = true;

    /// <summary>
    /// Number of parameters besides projections, mixes of components and norms, from the options and the head width.
    /// </summary>
    public Func<AttentionOptions, long, long> OwnParameters { get; init; } = (_, _) => 0;

    /// <summary>
    /// Operations for each pair of a token and a token that it sees, from the options and the head width.
    /// </summary>
    public Func<AttentionOptions, long, long> FlopsPerPair { get; init; } = (options, d) => 4 * options.Heads * d;

    /// <summary>Refuses options that the mechanism alone cannot take.</summary>
    /// <exception cref="CrossheadException">The message names the values and the remedy.</exception>
    public Action<AttentionOptions> Check { get; init; } = _ => { };
}
