using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Crosshead.Files;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>The keys of <c>crosshead</c> models besides the keys of their family.</summary>
internal static class ConfigJson
{
    /// <summary>The <c>model_type</c> and the architecture of models that no family can express completely.</summary>
    public const string ModelType = "crosshead", Architecture = "CrossheadForCausalLM";

    /// <summary>Keys of its own.</summary>
    public const string BaseModelType = "base_model_type", Attention = "attention", VirtualHeads = "virtual_heads",
        Block = "block", RotaryDims = "rotary_dims", WindowRotary = "window_rotary",
        UnrotatedLayers = "unrotated_layers", NormEpsilon = "rms_norm_eps";

    /// <summary>How records of options are written: the names of the options in camel case.</summary>
    public static readonly JsonSerializerOptions AttentionStyle = new(JsonSerializerDefaults.Web)
    {
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { JsonForm.KeepSettable } },
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.Strict,
    };

    /// <summary>
    /// How an entry of <see cref="VirtualHeads"/> is written: <c>key_grain</c>, <c>key_components</c>,
    /// <c>value_grain</c>, <c>value_rank</c>.
    /// </summary>
    public static readonly JsonSerializerOptions VirtualHeadsStyle =
        new(AttentionStyle) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
}
