using System.Text.Json.Serialization;

namespace Crosshead.Model;

/// <summary>Where a block has norms, and what its feed-forward layer sees.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<BlockForm>))]
public enum BlockForm
{
    /// <summary>x + attention(norm(x)), then x + feedForward(norm(x)), as in Llama.</summary>
    [JsonStringEnumMemberName("pre-norm")] PreNorm,

    /// <summary>x + norm(attention(x)), then x + norm(feedForward(x)), as in OLMo 2.</summary>
    [JsonStringEnumMemberName("post-norm")] PostNorm,

    /// <summary>x + norm(attention(norm(x))), then x + norm(feedForward(norm(x))), as in Gemma 2.</summary>
    [JsonStringEnumMemberName("sandwich")] Sandwich,

    /// <summary>x + attention(norm(x)) + feedForward(norm(x)), with one norm, as in Command R.</summary>
    [JsonStringEnumMemberName("parallel")] Parallel,
}
