using System.Text.Json.Nodes;
using Crosshead.Layers;
using Crosshead.Model;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>Sliding windows in <c>config.json</c>: their width, and the layers without a window.</summary>
internal static class WindowConfig
{
    // Transformers' value for an absent key.
    private const int DefaultFullLayers = 28;

    private const string Window = "sliding_window", Use = "use_sliding_window", FirstLayers = "max_window_layers",
        Types = "layer_types";

    // The number of layers of which one has no window: the second name is that of Transformers 5.
    private static readonly string[] s_patterns = ["sliding_window_pattern", "_sliding_window_pattern"];

    private const string Sliding = "sliding_attention", Full = "full_attention";

    /// <summary>Reads the window of a plain family; null if no layer has one.</summary>
    /// <exception cref="CrossheadException">The keys contradict each other, or a layer is of another kind.</exception>
    public static (int? Window, IReadOnlyList<int>? FullLayers) Read(ConfigValues config,
        FamilyConfig family, int layers)
    {
        if (family.Windows == FamilyConfig.WindowRule.None)
            return config[Window] is null ? (null, null)
                : throw config.Error($"{config.Shown(Window)} is not supported for {family.Name}; supported is null");
        var onRequest = OnRequest(family);
        int? window = onRequest && !config.Or(Use, false) ? null
            : config.Has(Window) ? config.Optional<int>(Window) : family.WindowDefault;
        if (config[Types] is not null) return Read(config, window, layers);
        if (family.Windows == FamilyConfig.WindowRule.ByType)
        {
            var every = config.OneOf<int>(s_patterns) ?? family.FullEvery;
            if (every < 1) throw config.Error($"{config.Shown(s_patterns.First(k => config[k] is not null))} must be "
                + "at least 1");
            return Resolve(window, [.. Enumerable.Range(0, layers).Where(i => (i + 1) % every == 0)], layers);
        }
        if (window is null || family.Windows != FamilyConfig.WindowRule.ByLayer) return (window, null);
        return Resolve(window,
            [.. Enumerable.Range(0, Math.Clamp(config.Or(FirstLayers, DefaultFullLayers), 0, layers))], layers);
    }

    /// <summary>
    /// The options with the windows that a family gives by which layers are rotated, if no key says which layers have
    /// windows.
    /// </summary>
    public static ModelOptions OfUnrotated(ConfigValues config, FamilyConfig family, ModelOptions options)
    {
        if (family.Windows != FamilyConfig.WindowRule.ByLayerOrUnrotated || config[Types] is not null) return options;
        var (window, full) = Resolve(options.Attention.SlidingWindow, [.. Enumerable.Range(0, options.Layers)
            .Where(i => options.RotaryKindOf(i) != RotaryKind.None)], options.Layers);
        return options with
        {
            Attention = options.Attention with { SlidingWindow = window },
            FullAttentionLayers = full,
        };
    }

    /// <summary>
    /// Reads which layers have the given window, from <c>layer_types</c> only; all layers if the key is absent.
    /// </summary>
    /// <exception cref="CrossheadException">The list contradicts the rest, or a layer is of another kind.</exception>
    public static (int? Window, IReadOnlyList<int>? FullLayers) Read(ConfigValues config, int? window, int layers)
    {
        if (config[Types] is null) return (window, null);
        var types = config.Required<string?[]>(Types);
        if (Array.FindIndex(types, t => t is not (Sliding or Full)) is var other and >= 0)
            throw config.Error($"{Types} holds \"{types[other]?.Shown()}\", which is not supported; supported are "
                + $"{Full} and {Sliding}");
        if (types.Length != layers)
            throw config.Error(
                $"{Types} describes {types.Length} layers, num_hidden_layers is {layers}; they must be equal");
        if (window is null && types.Contains(Sliding))
            throw config.Error($"{Types} holds \"{Sliding}\", but no {Window} is in use; set {Window} (and {Use}), or "
                + $"make all layers {Full}");
        return Resolve(window, [.. Enumerable.Range(0, layers).Where(i => types[i] == Full)], layers);
    }

    /// <summary>Writes the keys of a plain family.</summary>
    public static void Write(JsonObject json, ModelOptions options, FamilyConfig family)
    {
        if (family.Windows == FamilyConfig.WindowRule.None) return;
        var window = options.Attention.SlidingWindow;
        json[Window] = window;
        if (OnRequest(family)) json[Use] = window is not null;
        if (family.Windows is FamilyConfig.WindowRule.ByType or FamilyConfig.WindowRule.ByLayerOrUnrotated)
            json[Types] = TypesOf(options);
        if (family.Windows != FamilyConfig.WindowRule.ByLayer) return;
        json[FirstLayers] = window is null ? options.Layers
            : Enumerable.Range(0, options.Layers).TakeWhile(i => options.AttentionOf(i).SlidingWindow is null).Count();
        WriteTypes(json, options);
    }

    /// <summary>Writes which layers have a window, if some have none.</summary>
    public static void WriteTypes(JsonObject json, ModelOptions options)
    {
        if (options.Attention.SlidingWindow is null || options.FullAttentionLayers is not { Count: > 0 }) return;
        json[Types] = TypesOf(options);
    }

    private static bool OnRequest(FamilyConfig family) =>
        family.Windows is not (FamilyConfig.WindowRule.AllLayers or FamilyConfig.WindowRule.ByType);

    private static JsonArray TypesOf(ModelOptions options) => new([.. Enumerable.Range(0, options.Layers)
        .Select(i => (JsonNode)(options.AttentionOf(i).SlidingWindow is null ? Full : Sliding))]);

    private static (int? Window, IReadOnlyList<int>? FullLayers) Resolve(int? window, int[] full, int layers) =>
        window is null || full.Length == layers ? (null, null) : (window, full.Length == 0 ? null : full);
}
