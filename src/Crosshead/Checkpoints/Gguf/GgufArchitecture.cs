using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Model;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// An architecture of GGUF files: what programs compute for the models of its files, and how files say the rest.
/// </summary>
/// <param name="Name">Its name.</param>
/// <param name="Families">The families whose models have it.</param>
internal sealed record GgufArchitecture(string Name, params ModelFamily[] Families)
{
    /// <summary>
    /// The architecture of files with the weights of a model directory, whose <c>config.json</c> says the shape.
    /// </summary>
    public const string OfFolders = "crosshead";

    /// <summary>
    /// Whether rotary embedding turns neighbouring elements of a head (2i, 2i + 1). Crosshead turns elements i and
    /// i + d/2.
    /// </summary>
    public bool TurnsNeighbours { get; init; }

    /// <summary>Names of modules where they are not the common ones, by the model's module.</summary>
    public IReadOnlyDictionary<string, string> Names { get; init; } = new Dictionary<string, string>();

    /// <summary>Tensors that hold the rows of several, one below the other, and these.</summary>
    public IReadOnlyDictionary<string, string[]> Joint { get; init; } = new Dictionary<string, string[]>();

    /// <summary>The numbers that only this architecture has.</summary>
    public IReadOnlyList<GgufKey> Keys { get; init; } = [];

    /// <summary>What else all its models have.</summary>
    public Func<ModelOptions, ModelOptions> Also { get; init; } = options => options;

    /// <summary>The family of a model; null for the only one.</summary>
    public Func<ModelOptions, ModelFamily>? FamilyOf { get; init; }

    /// <summary>Biases of queries, keys and values.</summary>
    public GgufPresence ProjectionBias { get; init; }

    /// <summary>Biases of the output projection.</summary>
    public GgufPresence OutputBias { get; init; }

    /// <summary>Biases of the feed-forward layers.</summary>
    public GgufPresence FeedForwardBias { get; init; }

    /// <summary>Norms of queries and keys.</summary>
    public GgufPresence QueryKeyNorm { get; init; }

    /// <summary>An output head that is not the embedding.</summary>
    public GgufPresence Head { get; init; } = GgufPresence.Optional;

    /// <summary>Whether the heads of queries are together as wide as the model.</summary>
    public bool HeadsFillWidth { get; init; }

    /// <summary>Whether a part of each head may be left without rotation.</summary>
    public bool PartialRotary { get; init; }

    /// <summary>Whether heads are made of a latent vector.</summary>
    public bool IsLatent { get; init; }

    /// <summary>The key of the norms' epsilon.</summary>
    public string NormEpsilonKey { get; init; } = "attention.layer_norm_rms_epsilon";

    /// <summary>
    /// Where no key says otherwise, one of so many layers has no window, the last one. Null: programs know no windows.
    /// </summary>
    public int? WindowPeriod { get; init; }

    /// <summary>Whether its models have windows.</summary>
    public bool NeedsWindow { get; init; }

    /// <summary>The rotary positions of layers with a window.</summary>
    public GgufWindowRotary WindowRotary { get; init; }

    /// <summary>How scalings of rotary positions are said.</summary>
    public GgufScaling Scaling { get; init; } = new();

    /// <summary>Mixtures of experts.</summary>
    public GgufExperts Experts { get; init; } = new();

    /// <summary>What all its models have, whatever the keys. It gets the options that the keys describe.</summary>
    public ModelOptions Complete(ModelOptions options)
    {
        var family = FamilyTable.Of(Families[0]);
        var complete = Also(family.Always(options with
        {
            Block = options.Block with { Activation = family.Activation },
        }));
        return complete with { Family = FamilyOf?.Invoke(complete) ?? Families[0] };
    }

    /// <summary>Whether models of a family have it.</summary>
    public bool Has(ModelFamily family)
    {
        foreach (var own in Families)
        {
            if (own == family) return true;
        }
        return false;
    }

    /// <summary>
    /// Of how many layers the last one has no window, 0 for windows in all; null if the windows follow no such rule.
    /// </summary>
    public int? PeriodOf(ModelOptions options)
    {
        bool IsFull(int layer) => options.AttentionOf(layer).SlidingWindow is null;
        var layers = Enumerable.Range(0, options.Layers);
        return layers.Skip(2).Append(options.Layers).Prepend(0).Prepend(WindowPeriod ?? 0).Cast<int?>()
            .FirstOrDefault(period => layers.All(i => IsFull(i) == IsLast(i, period!.Value)));
    }

    /// <summary>The layers without a window; null for none.</summary>
    /// <param name="layers">Number of layers.</param>
    /// <param name="period">Of how many layers the last one has no window; 0 for windows in all.</param>
    public static IReadOnlyList<int>? FullLayers(int layers, int period) =>
        Enumerable.Range(0, layers).Where(i => IsLast(i, period)).ToArray() is { Length: > 0 } full ? full : null;

    private static bool IsLast(int layer, int period) => period > 0 && layer % period == period - 1;
}
