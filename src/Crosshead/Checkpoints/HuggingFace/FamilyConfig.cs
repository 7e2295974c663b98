using Crosshead.Layers;
using Crosshead.Model;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>The keys of a family's <c>config.json</c>, and the meaning of absent keys.</summary>
/// <param name="Family">The family.</param>
/// <param name="Architecture">Its class in Hugging Face Transformers.</param>
internal sealed record FamilyConfig(ModelFamily Family, string Architecture)
{
    /// <summary>Its <c>model_type</c>.</summary>
    public string Name { get; } = Family.NameOf();

    /// <summary>What all its models have, whatever their keys. It gets the options that the keys describe.</summary>
    public Func<ModelOptions, ModelOptions> Always { get; init; } = options => options;

    /// <summary>Its keys beside the common ones.</summary>
    public IReadOnlyList<ConfigKey> Keys { get; init; } = [];

    /// <summary>Keys with the value that Transformers computes with, whatever they say.</summary>
    public IReadOnlyDictionary<string, string> Fixed { get; init; } = new Dictionary<string, string>();

    /// <summary>How its tensors are stored.</summary>
    public TensorRules Tensors { get; init; } = TensorRules.None;

    /// <summary>Which projections of the attention have biases.</summary>
    public BiasRule Biases { get; init; }

    /// <summary>The meaning of an absent <c>attention_bias</c>.</summary>
    public bool BiasDefault { get; init; }

    /// <summary>Whether queries and keys are normed.</summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>Which layers see through a window.</summary>
    public WindowRule Windows { get; init; }

    /// <summary>The window if the key is absent; null for none.</summary>
    public int? WindowDefault { get; init; } = 4096;

    /// <summary>
    /// Without <c>layer_types</c>, one of so many layers has no window, the last one (<see cref="WindowRule.ByType"/>).
    /// </summary>
    public int FullEvery { get; init; } = 1;

    /// <summary>Whether <c>mlp_bias</c> is a key.</summary>
    public bool FeedForwardBias { get; init; }

    /// <summary>The experts where no key says otherwise; null for none.</summary>
    public ExpertOptions? Experts { get; init; }

    /// <summary>The head width if the key is absent; null for model width / heads.</summary>
    public int? HeadDim { get; init; }

    /// <summary>
    /// Whether an absent <c>num_key_value_heads</c> means the number of query heads. In other families the default is a
    /// number that fits one model.
    /// </summary>
    public bool KeyValueHeadsDefault { get; init; }

    /// <summary>The key of the norms' epsilon.</summary>
    public string NormEpsilonKey { get; init; } = "rms_norm_eps";

    /// <summary>The norms' epsilon if the key is absent.</summary>
    public double NormEpsilon { get; init; } = 1e-6;

    /// <summary>The key of the activation.</summary>
    public string ActivationKey { get; init; } = "hidden_act";

    /// <summary>The activation if the key is absent.</summary>
    public Activation Activation { get; init; } = Activation.Silu;

    /// <summary>The meaning of an absent <c>tie_word_embeddings</c>.</summary>
    public bool TieEmbeddings { get; init; }

    /// <summary>Base of the rotary frequencies if the key is absent.</summary>
    public double RopeBase { get; init; } = 10000;

    /// <summary>
    /// Base of the rotary frequencies of layers with a window, if the key is absent. Null: the family has one base for
    /// all layers.
    /// </summary>
    public double? WindowRopeBase { get; init; }

    /// <summary>
    /// The part of each head that is rotated, if the key <c>partial_rotary_factor</c> is absent. Null: the family has
    /// no such key, and rotates whole heads.
    /// </summary>
    public double? PartialRotary { get; init; }

    /// <summary>Whether queries may grow with their positions (<c>llama_4_scaling_beta</c>).</summary>
    public bool QueryGrowth { get; init; }

    /// <summary>Which projections of the attention have biases.</summary>
    internal enum BiasRule
    {
        /// <summary>None.</summary>
        None,

        /// <summary>All four where <c>attention_bias</c> is true.</summary>
        Key,

        /// <summary>Those of queries, keys and values where <c>attention_bias</c> is true.</summary>
        KeyWithoutOutput,

        /// <summary>
        /// Those of queries, keys and values where <c>attention_bias</c> is true, that of the output where
        /// <c>attention_out_bias</c> is.
        /// </summary>
        KeyAndOutputKey,

        /// <summary>Those of queries, keys and values, always.</summary>
        QueryKeyValue,
    }

    /// <summary>Which layers see through a window.</summary>
    internal enum WindowRule
    {
        /// <summary>None.</summary>
        None,

        /// <summary>All, by <c>sliding_window</c>.</summary>
        AllLayers,

        /// <summary>All, where <c>use_sliding_window</c> is true.</summary>
        AllLayersOnRequest,

        /// <summary>
        /// Where <c>use_sliding_window</c> is true, those that <c>layer_types</c> names, or those from
        /// <c>max_window_layers</c> on.
        /// </summary>
        ByLayer,

        /// <summary>
        /// Where <c>use_sliding_window</c> is true, those that <c>layer_types</c> names, or those without rotation.
        /// </summary>
        ByLayerOrUnrotated,

        /// <summary>Those that <c>layer_types</c> names, or all but one of so many.</summary>
        ByType,
    }
}
