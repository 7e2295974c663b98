using System.Reflection;
using System.Text.Json.Serialization;
using Crosshead.Model;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>The keys of a family's <c>config.json</c>, and the meaning of absent keys.</summary>
/// <param name="Family">The family.</param>
/// <param name="Architecture">Its class in Hugging Face Transformers.</param>
internal sealed record FamilyConfig(ModelFamily Family, string Architecture)
{
    private static readonly FamilyConfig[] All =
    [
        new(ModelFamily.Llama, "LlamaForCausalLM")
        {
            Biases = BiasRule.Key,
            FeedForwardBias = true,
            KeyValueHeadsDefault = true,
        },
        new(ModelFamily.Mistral, "MistralForCausalLM") { Windows = WindowRule.AllLayers },
        new(ModelFamily.Qwen2, "Qwen2ForCausalLM") { Biases = BiasRule.QueryKeyValue, Windows = WindowRule.ByLayer },
        new(ModelFamily.Qwen3, "Qwen3ForCausalLM")
        {
            Biases = BiasRule.Key,
            QueryKeyNorm = true,
            Windows = WindowRule.ByLayer,
            HeadDim = 128,
        },
        new(ModelFamily.Qwen3Moe, "Qwen3MoeForCausalLM")
        {
            Biases = BiasRule.Key,
            QueryKeyNorm = true,
            Windows = WindowRule.AllLayersOnRequest,
            Experts = true,
        },
    ];

    private static readonly Dictionary<string, FamilyConfig> ByName = All.ToDictionary(f => f.Name);

    /// <summary>The names of all families.</summary>
    public static IEnumerable<string> Names => ByName.Keys;

    /// <summary>Its <c>model_type</c>.</summary>
    public string Name { get; } = typeof(ModelFamily)
        .GetField(Family.ToString())!.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()!.Name;

    /// <summary>Which projections of the attention have biases.</summary>
    public BiasRule Biases { get; private init; }

    /// <summary>Whether queries and keys are normed.</summary>
    public bool QueryKeyNorm { get; private init; }

    /// <summary>Which layers see through a window.</summary>
    public WindowRule Windows { get; private init; }

    /// <summary>Whether <c>mlp_bias</c> is a key.</summary>
    public bool FeedForwardBias { get; private init; }

    /// <summary>Whether there are experts.</summary>
    public bool Experts { get; private init; }

    /// <summary>The head width if the key is absent; null for model width / heads.</summary>
    public int? HeadDim { get; private init; }

    /// <summary>
    /// Whether an absent <c>num_key_value_heads</c> means the number of query heads. In other families the default is a
    /// number that fits one model.
    /// </summary>
    public bool KeyValueHeadsDefault { get; private init; }

    /// <summary>The family of a name, or null.</summary>
    public static FamilyConfig? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>The entry of a family.</summary>
    public static FamilyConfig Of(ModelFamily family) => Array.Find(All, f => f.Family == family)!;

    /// <summary>Which projections of the attention have biases.</summary>
    internal enum BiasRule
    {
        /// <summary>None.</summary>
        None,

        /// <summary>All four where <c>attention_bias</c> is true.</summary>
        Key,

        /// <summary>Those of queries, keys and values, always.</summary>
        QueryKeyValue,
    }

    /// <summary>Which layers see through a window.</summary>
    internal enum WindowRule
    {
        /// <summary>None.</summary>
        None,

        /// <summary>All, by <c>sliding_window</c>, which is 4096 where the key is absent.</summary>
        AllLayers,

        /// <summary>All, where <c>use_sliding_window</c> is true.</summary>
        AllLayersOnRequest,

        /// <summary>
        /// Where <c>use_sliding_window</c> is true, those that <c>layer_types</c> names, or those from
        /// <c>max_window_layers</c> on.
        /// </summary>
        ByLayer,
    }
}
