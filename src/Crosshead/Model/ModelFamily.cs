using System.Text.Json.Serialization;

namespace Crosshead.Model;

/// <summary>
/// The published architecture of a model. The model is saved under this name if the architecture can express the whole
/// model. The other options determine what the model computes.
/// </summary>
[JsonConverter(typeof(JsonStringEnumConverter<ModelFamily>))]
public enum ModelFamily
{
    /// <summary>Llama 1 to 3, and models of the same form, such as SmolLM 2.</summary>
    [JsonStringEnumMemberName("llama")] Llama,

    /// <summary>Mistral: sliding windows in all layers, or in none.</summary>
    [JsonStringEnumMemberName("mistral")] Mistral,

    /// <summary>Qwen 2 and 2.5: queries, keys and values have biases.</summary>
    [JsonStringEnumMemberName("qwen2")] Qwen2,

    /// <summary>Qwen 3: queries and keys are normed.</summary>
    [JsonStringEnumMemberName("qwen3")] Qwen3,

    /// <summary>Qwen 3 with a mixture of experts.</summary>
    [JsonStringEnumMemberName("qwen3_moe")] Qwen3Moe,
}
