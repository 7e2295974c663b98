using System.Text.Json.Serialization;

namespace Crosshead.Layers;

/// <summary>How a router's logits become the weights of experts.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ExpertScoring>))]
public enum ExpertScoring
{
    /// <summary>Probabilities: the softmax over all experts.</summary>
    [JsonStringEnumMemberName("softmax")] Softmax,

    /// <summary>The sigmoid of each expert's own logit.</summary>
    [JsonStringEnumMemberName("sigmoid")] Sigmoid,
}
