using System.Text.Json.Nodes;
using Crosshead.Model;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>Sliding windows in <c>config.json</c>: their width, and the layers without a window.</summary>
internal static class WindowConfig
{
    // Transformers' values for absent keys.
    private const int DefaultWindow = 4096, DefaultFullLayers = 28;

    private const string Window = "sliding_window", Use = "use_sliding_window", FirstLayers = "max_window_layers",
        Types = "layer_types";

    private const string Sliding = "sliding_attention", Full = "full_attention";

    /// <summary>Reads the window of a plain family; null if no layer has one.</summary>
    /// <exception cref="CrossheadException">The keys contradict each other, or a layer is of another kind.</exception>
    public static (int? Window, IReadOnlyList<int>? FullLayers) Read(ConfigValues config,
        FamilyConfig family, int layers)
    {
        if (family.Windows == FamilyConfig.WindowRule.None)
            return config[Window] is null ? (null, null)
                : throw config.Error($"{config.Shown(Window)} is not supported for {family.Name}; supported is null");
        var onRequest = family.Windows != FamilyConfig.WindowRule.AllLayers;
        int? window = onRequest && !config.Or(Use, false) ? null
            : config.Has(Window) ? config.Optional<int>(Window) : DefaultWindow;
        if (config[Types] is not null) return Read(config, window, layers);
        if (window is null || family.Windows != FamilyConfig.WindowRule.ByLayer) return (window, null);
        return Resolve(window,
            [.. Enumerable.Range(0, Math.Clamp(config.Or(FirstLayers, DefaultFullLayers), 0, layers))], layers);
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
        if (family.Windows != FamilyConfig.WindowRule.AllLayers) json[Use] = window is not null;
        if (family.Windows != FamilyConfig.WindowRule.ByLayer) return;
        json[FirstLayers] = window is null ? options.Layers
            : Enumerable.Range(0, options.Layers).TakeWhile(i => options.AttentionOf(i).SlidingWindow is null).Count();
        WriteTypes(json, options);
    }

    /// <summary>Writes which layers have a window, if some have none.</summary>
    public static void WriteTypes(JsonObject json, ModelOptions options)
    {
        if (options.Attention.SlidingWindow is null || options.FullAttentionLayers is not { Count: > 0 }) return;
        json[Types] = new JsonArray([.. Enumerable.Range(0, options.Layers)
            .Select(i => (JsonNode)(options.AttentionOf(i).SlidingWindow is null ? Full : Sliding))]);
    }

    private static (int? Window, IReadOnlyList<int>? FullLayers) Resolve(int? window, int[] full, int layers) =>
        full.Length == layers ? (null, null) : (window, full.Length == 0 ? null : full);
}
