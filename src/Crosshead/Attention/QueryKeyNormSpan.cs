using System.Text.Json.Serialization;

namespace Crosshead.Attention;

/// <summary>What the norms of queries and keys span.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<QueryKeyNormSpan>))]
public enum QueryKeyNormSpan
{
    /// <summary>Each head by itself, as in Qwen 3.</summary>
    [JsonStringEnumMemberName("head")] Head,

    /// <summary>All heads of the queries together, and all of the keys, as in OLMo 2.</summary>
    [JsonStringEnumMemberName("all-heads")] AllHeads,
}
