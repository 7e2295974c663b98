using System.Text.Json.Nodes;
using Crosshead.Checkpoints.HuggingFace;

namespace Crosshead.Tests.Checkpoints.HuggingFace;

/// <summary>
/// A configuration that asks for what is not supported, or contradicts itself, is refused in one line.
/// </summary>
public sealed class ModelConfigRefusalTests
{
    [Theory]
    [InlineData("Llama", "model_type", "\"bert\"",
        "model_type \"bert\" is not supported; supported are llama, mistral, qwen2, qwen3, qwen3_moe, granite,")]
    [InlineData("Llama", "model_type", "null",
        "is no valid configuration of a model: it lacks \"model_type\", which may be llama, mistral,")]
    [InlineData("Llama", "model_type", "3", "model_type = 3 must be a text.")]
    [InlineData("Llama", "architectures", "[\"LlamaForSequenceClassification\"]",
        "architectures = [\"LlamaForSequenceClassification\"] is not supported; supported is LlamaForCausalLM.")]
    [InlineData("Llama", "architectures", "[null]", "architectures = [null] is not supported")]
    [InlineData("Llama", "hidden_act", "\"gelu\"",
        "hidden_act = \"gelu\" is not supported; supported is silu or swish or gelu_pytorch_tanh.")]
    [InlineData("Llama", "pretraining_tp", "2", "pretraining_tp = 2 is not supported; supported is 1.")]
    [InlineData("Llama", "partial_rotary_factor", "0.5",
        "partial_rotary_factor = 0.5 is not supported; supported is 1.")]
    [InlineData("Llama", "rope_interleaved", "true", "rope_interleaved = true is not supported; supported is false.")]
    [InlineData("Llama", "residual_multiplier", "0.22", "residual_multiplier = 0.22 is not supported; supported is 1.")]
    [InlineData("Llama", "logits_scaling", "8.0", "logits_scaling = 8.0 is not supported; supported is 1.")]
    [InlineData("Llama", "attention_multiplier", "0.015",
        "attention_multiplier = 0.015 is not supported; supported is null.")]
    [InlineData("Llama", "final_logit_softcapping", "30.0",
        "final_logit_softcapping = 30.0 is not supported; supported is null.")]
    [InlineData("Llama", "sliding_window", "4096",
        "sliding_window = 4096 is not supported for llama; supported is null.")]
    [InlineData("Llama", "num_local_experts", "8",
        "a mixture of experts is not supported for llama; supported is qwen3_moe, mixtral,")]
    [InlineData("Qwen3Moe", "n_group", "4", "n_group = 4 is not supported; supported is 1.")]
    [InlineData("Qwen3Moe", "n_shared_experts", "1", "n_shared_experts = 1 is not supported; supported is 0.")]
    [InlineData("Qwen3Moe", "scoring_func", "\"sigmoid\"",
        "scoring_func = \"sigmoid\" is not supported; supported is softmax.")]
    [InlineData("Llama", "vocab_size", "null", "it lacks \"vocab_size\".")]
    [InlineData("Llama", "vocab_size", "\"many\"", "vocab_size = \"many\" must be a whole number up to 2147483647.")]
    [InlineData("Llama", "vocab_size", "1e12", "vocab_size = 1e12 must be a whole number up to 2147483647.")]
    [InlineData("Llama", "vocab_size", "0", "vocabularySize (0) must be at least 1.")]
    [InlineData("Llama", "num_hidden_layers", "2000000000",
        "layers (2000000000) must be at most 100000 and at least 1.")]
    [InlineData("Llama", "num_key_value_heads", "3", "heads (8) must be a multiple of keyValueHeads (3)")]
    [InlineData("Llama", "head_dim", "15", "headDim (15) must be even")]
    [InlineData("Llama", "rope_scaling", "{\"rope_type\": \"longrope\"}", "rope_scaling lacks \"factor\".")]
    [InlineData("Llama", "rope_scaling", "{\"rope_type\": \"ntk\"}",
        "rope_type \"ntk\" is not supported; supported are default, linear, llama3, yarn, longrope.")]
    [InlineData("Llama", "rope_scaling", "{\"type\": \"dynamic\", \"factor\": 2}",
        "rope_type \"dynamic\" is not supported")]
    [InlineData("Llama", "rope_scaling", "{\"type\": \"mrope\", \"rope_type\": \"default\"}",
        "rope_type = \"default\" and type = \"mrope\" contradict each other; remove one.")]
    [InlineData("Llama", "rope_scaling", "{\"type\": \"linear\"}", "rope_scaling lacks \"factor\".")]
    [InlineData("Llama", "rope_scaling", "{\"type\": \"yarn\"}", "rope_scaling lacks \"factor\".")]
    [InlineData("Llama", "rope_scaling", "{\"type\": \"llama3\", \"factor\": 8}",
        "rope_scaling lacks \"low_freq_factor\".")]
    [InlineData("Llama", "rope_scaling", "{\"type\": \"linear\", \"factor\": 0.5}",
        "ropeScaling.factor (0.5) must be at least 1.")]
    [InlineData("Llama", "rope_scaling", "{\"type\": \"yarn\", \"factor\": 2, \"original_max_position_embeddings\": 0}",
        "ropeScaling.originalContext (0) must be at least 1")]
    [InlineData("Llama", "rope_scaling", "{\"rope_type\": \"default\", \"mrope_section\": [16, 24]}",
        "rope_scaling holds mrope_section = [16,24], which is not supported; known are rope_theta,")]
    [InlineData("Llama", "rope_scaling", "2.0", "rope_scaling = 2.0 must be an object {…}.")]
    [InlineData("Llama", "rope_parameters", "{\"rope_type\": \"default\"}", "contradict each other; remove one.")]
    [InlineData("Llama", "rope_theta", "-1", "ropeBase (-1) must be more than 0")]
    [InlineData("Llama5", "rope_theta", "10000", "rope_theta is given twice, as 20000 and as 10000; remove one.")]
    [InlineData("Mistral", "attention_bias", "true",
        "attention_bias = true is not supported for mistral; supported is false.")]
    [InlineData("Mistral", "mlp_bias", "true", "mlp_bias = true is not supported for mistral; supported is false.")]
    [InlineData("Mistral", "num_key_value_heads", "absent", "it lacks \"num_key_value_heads\".")]
    [InlineData("Mistral", "sliding_window", "0", "slidingWindow (0) must be at least 1.")]
    [InlineData("Qwen2", "use_mrope", "true", "use_mrope = true is not supported; supported is false.")]
    [InlineData("Qwen2", "layer_types", "[\"full_attention\"]",
        "layer_types describes 1 layers, num_hidden_layers is 4; they must be equal.")]
    [InlineData("Qwen2", "layer_types", "[\"full_attention\", \"chunked_attention\", \"full_attention\", "
        + "\"full_attention\"]", "layer_types holds \"chunked_attention\", which is not supported")]
    [InlineData("Qwen2", "layer_types", "[null, null, null, null]", "layer_types holds \"\", which is not supported")]
    [InlineData("Qwen2", "layer_types", "[\"sliding_attention\", \"full_attention\", \"full_attention\", "
        + "\"full_attention\"]", "but no sliding_window is in use")]
    [InlineData("Qwen3Moe", "num_experts", "4",
        "num_experts = 4 and num_local_experts = 8 contradict each other; remove one.")]
    [InlineData("Qwen3Moe", "num_local_experts", "absent", "it lacks \"num_experts\".")]
    [InlineData("Qwen3Moe", "num_experts_per_tok", "9",
        "experts.perToken (9) is more than experts.count (8); use at most 8.")]
    [InlineData("Qwen3Moe", "mlp_only_layers", "[4]",
        "experts.denseLayers names layer 4, the model has layers 0 to 3; remove it.")]
    [InlineData("Qwen3Moe", "shared_expert_intermediate_size", "64",
        "shared_expert_intermediate_size = 64 is not supported; supported is 0.")]
    public void In_one_line(string name, string key, string value, string message)
    {
        var json = JsonNode.Parse(FamilyConfigs.All[name])!.AsObject();
        if (value == "absent") json.Remove(key);
        else json[key] = JsonNode.Parse(value);
        Refused(json.ToJsonString(), message);
    }

    [Theory]
    [InlineData("", "is no valid configuration of a model: it is empty; get it again.")]
    [InlineData("[1]", "is no valid configuration of a model: it must be a JSON object {…}; get it again.")]
    [InlineData("{\"model_type\": \"llama\"",
        "is no valid configuration of a model: it ends within an object, a list or a text; get it again.")]
    [InlineData("{\"model_type\": \"\\ud800\"}", "is no valid configuration of a model: the text \"\\ud800\" holds "
        + "half of a surrogate pair, which is no character; get it again.")]
    [InlineData("{\"model_type\": \"a\\u0000\"}",
        "is no valid configuration of a model: the text \"a\\u0000\" holds a NUL character; get it again.")]
    [InlineData("{\"model_type\": \"llama\", \"model_type\": \"qwen2\"}",
        "is no valid configuration of a model: the key \"model_type\" stands there twice; get it again.")]
    [InlineData("{\"model_type\": \"crosshead\", \"base_model_type\": \"gpt2\"}",
        "base_model_type \"gpt2\" is not supported; supported are llama, mistral, qwen2, qwen3, qwen3_moe, granite,")]
    [InlineData("{\"model_type\": \"crosshead\", \"num_hidden_layers\": 1}", "it lacks \"attention\".")]
    [InlineData("{\"model_type\": \"crosshead\", \"num_hidden_layers\": 1, \"attention\": {\"variant\": \"fast\"}}",
        "\"attention\" cannot be read")]
    public void What_is_no_configuration_is_refused(string text, string message) => Refused(text, message);

    [Theory]
    [InlineData("""[null]""", "virtualHeads describes 1 layers, the model has 4")]
    [InlineData("""{}""", "\"virtual_heads\" cannot be read")]
    [InlineData("""[null, null, null, {"key_grain": "frequency", "keys": 2}]""", "\"virtual_heads\" cannot be read")]
    [InlineData("""[null, null, null, {"key_components": 4, "key_grain": "frequency"}]""",
        "keyGrain frequency needs keys composed of fewer components than heads")]
    [InlineData("""[null, null, null, {"value_rank": 7}]""", "valueRank (7) must be a multiple of the head width")]
    public void Virtual_heads_that_do_not_fit_are_refused(string virtualHeads, string message)
    {
        var json = JsonNode.Parse(FamilyConfigs.Llama)!.AsObject();
        json["model_type"] = "crosshead";
        json["architectures"] = new JsonArray("CrossheadForCausalLM");
        json["attention"] = new JsonObject { ["variant"] = "gqa" };
        json["virtual_heads"] = JsonNode.Parse(virtualHeads);
        Refused(json.ToJsonString(), message);
    }

    [Theory]
    [InlineData("logits_scaling", "1")]
    [InlineData("partial_rotary_factor", "1.0")]
    [InlineData("hidden_act", "\"swish\"")]
    [InlineData("quantization_config", "null")]
    [InlineData("some_new_key", "{\"a\": [1, 2]}")]
    public void What_changes_nothing_is_passed_over(string key, string value)
    {
        var json = JsonNode.Parse(FamilyConfigs.Qwen3)!.AsObject();
        json[key] = JsonNode.Parse(value);
        Assert.Equal(64, ModelConfig.Parse("config.json", json.ToJsonString()).HiddenSize);
    }

    private static void Refused(string text, string message)
    {
        var error = Assert.Throws<CrossheadException>(() => ModelConfig.Parse("config.json", text)).Message;
        Assert.Contains(message, error);
        Assert.DoesNotContain('\n', error);
    }
}
