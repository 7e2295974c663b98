namespace Crosshead.Tests.Checkpoints.HuggingFace;

/// <summary>Small configurations with the keys that published models have.</summary>
internal static class FamilyConfigs
{
    private const string Shape = """
        "vocab_size": 320, "hidden_size": 64, "intermediate_size": 112, "num_hidden_layers": 4, "num_attention_heads": 8,
        "num_key_value_heads": 4, "max_position_embeddings": 256, "rms_norm_eps": 1e-05, "hidden_act": "silu",
        "use_cache": true, "attention_dropout": 0.0, "eos_token_id": [2, 3], "transformers_version": "4.51.0"
        """;

    /// <summary>Transformers 4's Llama 3.2.</summary>
    public const string Llama = $$"""
        { {{Shape}}, "model_type": "llama", "architectures": ["LlamaForCausalLM"], "attention_bias": false, "mlp_bias": false, "head_dim": 16,
        "pretraining_tp": 1, "rope_theta": 500000.0, "tie_word_embeddings": true, "torch_dtype": "bfloat16",
        "rope_scaling": { "factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 64, "rope_type": "llama3" } }
        """;

    /// <summary>Transformers 5's Llama.</summary>
    public const string Llama5 = $$"""
        { {{Shape}}, "model_type": "llama", "architectures": ["LlamaForCausalLM"], "head_dim": null, "dtype": "float32",
        "rope_parameters": { "rope_theta": 20000.0, "rope_type": "default" } }
        """;

    /// <summary>Mistral 7B 0.1: no word of the head width.</summary>
    public const string Mistral = $$"""
        { {{Shape}}, "model_type": "mistral", "architectures": ["MistralForCausalLM"], "rope_theta": 10000.0, "sliding_window": 8, "tie_word_embeddings": false }
        """;

    /// <summary>Qwen 2.5: windows described, and not used.</summary>
    public const string Qwen2 = $$"""
        { {{Shape}}, "model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], "rope_theta": 1000000.0, "rope_scaling": null, "max_window_layers": 3,
        "sliding_window": 32, "use_sliding_window": false, "use_mrope": false, "tie_word_embeddings": true }
        """;

    /// <summary>Qwen 3, whose heads are wider than model width / heads.</summary>
    public const string Qwen3 = $$"""
        { {{Shape}}, "model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "head_dim": 16, "rope_theta": 1000000,
        "rope_scaling": null, "max_window_layers": 4, "sliding_window": null, "use_sliding_window": false, "tie_word_embeddings": true }
        """;

    /// <summary>Qwen 3 MoE, with Transformers 5's name of the number of experts.</summary>
    public const string Qwen3Moe = $$"""
        { {{Shape}}, "model_type": "qwen3_moe", "architectures": ["Qwen3MoeForCausalLM"], "attention_bias": false, "decoder_sparse_step": 1, "head_dim": 16,
        "mlp_only_layers": [], "moe_intermediate_size": 48, "norm_topk_prob": true, "num_local_experts": 8, "num_experts_per_tok": 2,
        "output_router_logits": false, "router_aux_loss_coef": 0.001, "rope_theta": 1000000.0, "sliding_window": null, "use_sliding_window": false }
        """;

    /// <summary>All of them by name.</summary>
    public static readonly IReadOnlyDictionary<string, string> All = new Dictionary<string, string>
    {
        [nameof(Llama)] = Llama,
        [nameof(Llama5)] = Llama5,
        [nameof(Mistral)] = Mistral,
        [nameof(Qwen2)] = Qwen2,
        [nameof(Qwen3)] = Qwen3,
        [nameof(Qwen3Moe)] = Qwen3Moe,
    };
}
