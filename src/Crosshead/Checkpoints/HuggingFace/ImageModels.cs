using System.Text.Json.Nodes;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>
/// Models that read images as well as text. Their <c>config.json</c> and their weights hold a text model of one of the
/// families, which is used; what reads images is not.
/// </summary>
internal static class ImageModels
{
    private const string Text = "text_config";

    // By model_type: the meaning of keys that text_config lacks.
    private static readonly Dictionary<string, JsonObject> s_defaults = new()
    {
        ["gemma3"] = new()
        {
            ["model_type"] = "gemma3_text",
            ["vocab_size"] = 262208,
            ["hidden_size"] = 2304,
            ["intermediate_size"] = 9216,
            ["num_hidden_layers"] = 26,
            ["num_attention_heads"] = 8,
            ["num_key_value_heads"] = 4,
            ["max_position_embeddings"] = 131072,
        },
        ["mistral3"] = new() { ["model_type"] = "mistral" },
    };

    // Keys beside text_config that are about the text model too.
    private static readonly string[] s_shared = ["tie_word_embeddings", "dtype", "torch_dtype", "quantization_config",
        "bos_token_id", "eos_token_id", "pad_token_id", "_name_or_path"];

    // Where the text model lies in the weights: as files of Transformers 4 have it, and as Transformers 5 names it.
    private static readonly (string Stored, string Own)[] s_text = [("language_model.model.", "model."),
        ("language_model.lm_head.", "lm_head."), ("model.language_model.", "model.")];

    private static readonly string[] s_images = ["vision_tower.", "multi_modal_projector.", "model.vision_tower.",
        "model.multi_modal_projector."];

    /// <summary>The values of their <c>model_type</c>.</summary>
    public static IEnumerable<string> Names => s_defaults.Keys;

    /// <summary>The configuration of the text model; the configuration itself for all other models.</summary>
    /// <exception cref="CrossheadException">There is none.</exception>
    public static ConfigValues TextOf(ConfigValues config)
    {
        if (!s_defaults.TryGetValue(config.Or("model_type", ""), out var defaults)) return config;
        return config.Part(Text, defaults, s_shared) ?? throw config.Error($"it lacks \"{Text}\"");
    }

    /// <summary>The name of a stored tensor in the text model; null if it is of the part for images.</summary>
    public static string? NameOf(string stored)
    {
        if (Array.Exists(s_images, part => stored.StartsWith(part, StringComparison.Ordinal))) return null;
        var (prefix, own) = Array.Find(s_text, part => stored.StartsWith(part.Stored, StringComparison.Ordinal));
        return prefix is null ? stored : own + stored[prefix.Length..];
    }
}
