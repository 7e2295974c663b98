using System.Text.Json.Serialization;

namespace Crosshead.Attention;

/// <summary>The attention mechanisms that can be trained and compared.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<AttentionVariant>))]
public enum AttentionVariant
{
    /// <summary>Softmax attention with grouped key/value heads (Llama); with as many as query heads it is multi-head attention.</summary>
    [JsonStringEnumMemberName("gqa")] Gqa,

    /// <summary>The baseline with a norm on every head's output.</summary>
    [JsonStringEnumMemberName("groupnorm")] GroupNorm,

    /// <summary>Multi-head Explicit Attention: learned composition of key and value heads, and the norm (arXiv 2601.19611, eq. 12).</summary>
    [JsonStringEnumMemberName("mea")] Mea,

    /// <summary>Head composition without the norm, the paper's ablation (§4.3).</summary>
    [JsonStringEnumMemberName("mea-no-norm")] MeaNoNorm,

    /// <summary>Talking-Heads attention (arXiv 2003.02436): scores and weights mixed across heads; O(N²·h) memory.</summary>
    [JsonStringEnumMemberName("talking-heads")] TalkingHeads,

    /// <summary>Differential attention (arXiv 2410.05258): the difference of two softmax maps a head pair.</summary>
    [JsonStringEnumMemberName("differential")] Differential,
}
