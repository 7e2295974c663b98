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

    /// <summary>Granite 3: embeddings, residuals, scores and logits are multiplied by constants.</summary>
    [JsonStringEnumMemberName("granite")] Granite,

    /// <summary>Seed-OSS: queries, keys and values have biases.</summary>
    [JsonStringEnumMemberName("seed_oss")] SeedOss,

    /// <summary>Phi 3, 3.5 and 4: projections are stored together.</summary>
    [JsonStringEnumMemberName("phi3")] Phi3,

    /// <summary>SmolLM 3: some layers do not rotate.</summary>
    [JsonStringEnumMemberName("smollm3")] SmolLm3,

    /// <summary>OLMo 2: norms after the layers, and over all heads of queries and keys.</summary>
    [JsonStringEnumMemberName("olmo2")] Olmo2,

    /// <summary>OLMo 3: as OLMo 2, with windows in most layers.</summary>
    [JsonStringEnumMemberName("olmo3")] Olmo3,

    /// <summary>GLM 4: norms before and after the layers, and half of each head rotated.</summary>
    [JsonStringEnumMemberName("glm4")] Glm4,

    /// <summary>Ministral 3: queries grow with their positions.</summary>
    [JsonStringEnumMemberName("ministral3")] Ministral3,

    /// <summary>Gemma 2: norms before and after the layers, capped scores and logits.</summary>
    [JsonStringEnumMemberName("gemma2")] Gemma2,

    /// <summary>Gemma 3, text only: as Gemma 2, with normed queries and keys in place of caps.</summary>
    [JsonStringEnumMemberName("gemma3_text")] Gemma3,

    /// <summary>Command R7B and Command A: attention and feed-forward layers side by side.</summary>
    [JsonStringEnumMemberName("cohere2")] Cohere2,

    /// <summary>Mixtral: Mistral with a mixture of experts.</summary>
    [JsonStringEnumMemberName("mixtral")] Mixtral,

    /// <summary>GLM 4.5 to 4.7: half of each head rotated, and a mixture of experts as DeepSeek V3's.</summary>
    [JsonStringEnumMemberName("glm4_moe")] Glm4Moe,

    /// <summary>gpt-oss: sinks in attention, and a mixture of experts with biases and clamped gates.</summary>
    [JsonStringEnumMemberName("gpt_oss")] GptOss,

    /// <summary>DeepSeek V3: latent attention, and a mixture of experts that are chosen in groups.</summary>
    [JsonStringEnumMemberName("deepseek_v3")] DeepseekV3,
}
