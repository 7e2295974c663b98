using System.Text.Json.Serialization;

namespace Crosshead.Attention;

/// <summary>The attention mechanisms that can be trained and compared.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<AttentionVariant>))]
public enum AttentionVariant
{
    /// <summary>
    /// Softmax attention with grouped key/value heads, as in Llama. With as many as query heads it is multi-head
    /// attention.
    /// </summary>
    [JsonStringEnumMemberName("gqa")] Gqa,

    /// <summary>As <c>gqa</c>, with a norm on the output of every head.</summary>
    [JsonStringEnumMemberName("groupnorm")] GroupNorm,

    /// <summary>
    /// Multi-head Explicit Attention: key and value heads are learned mixes of component heads, and every head's output
    /// is normed (arXiv 2601.19611, eq. 12).
    /// </summary>
    [JsonStringEnumMemberName("mea")] Mea,

    /// <summary>As <c>mea</c> without the norm (arXiv 2601.19611, §4.3).</summary>
    [JsonStringEnumMemberName("mea-no-norm")] MeaNoNorm,

    /// <summary>
    /// Talking-Heads attention: scores and weights are mixed across heads (arXiv 2003.02436). Needs O(N²·h) memory.
    /// </summary>
    [JsonStringEnumMemberName("talking-heads")] TalkingHeads,

    /// <summary>
    /// Differential attention: each pair of heads gives the difference of two softmax maps (arXiv 2410.05258).
    /// </summary>
    [JsonStringEnumMemberName("differential")] Differential,
}
