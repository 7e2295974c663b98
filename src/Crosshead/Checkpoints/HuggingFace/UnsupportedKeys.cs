using System.Text.Json.Nodes;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>
/// Keys that change what a model computes and support only one or two values. Null and absent are always accepted.
/// Without this check a model of a derived architecture would load and compute something else.
/// </summary>
internal static class UnsupportedKeys
{
    private static readonly (string Key, string[] Supported)[] Table =
    [
        ("hidden_act", ["\"silu\"", "\"swish\""]),
        ("pretraining_tp", ["1"]),
        (RopeConfig.PartialKey, ["1"]),
        ("rope_interleaved", ["false"]),
        ("use_mrope", ["false"]),
        ("embedding_multiplier", ["1"]),
        ("residual_multiplier", ["1"]),
        ("attention_multiplier", []),
        ("logits_scaling", ["1"]),
        ("logit_scale", []),
        ("scale_emb", ["1"]),
        ("scale_depth", []),
        ("query_pre_attn_scalar", []),
        ("attn_logit_softcapping", []),
        ("final_logit_softcapping", []),
        ("clip_qkv", []),
        ("use_qk_norm", ["false"]),
        ("qk_layernorm", ["false"]),
        ("no_rope_layers", ["[]"]),
        ("attention_chunk_size", []),
        ("shared_expert_intermediate_size", ["0"]),
        ("n_shared_experts", ["0"]),
        ("n_group", ["1"]),
        ("routed_scaling_factor", ["1"]),
        ("scoring_func", ["\"softmax\""]),
        ("topk_method", ["\"greedy\""]),
        ("moe_layer_freq", ["1"]),
        ("swiglu_limit", []),
        ("is_encoder_decoder", ["false"]),
        ("use_bidirectional_attention", ["false"]),
    ];

    /// <summary>Refuses a configuration that asks for something that is not supported.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="family">Its family, whose own keys are supported.</param>
    /// <param name="own">Whether it has the keys of <c>crosshead</c>, and not those of the family.</param>
    /// <exception cref="CrossheadException">It does; the message names key and value.</exception>
    public static void Refuse(ConfigValues config, FamilyConfig family, bool own)
    {
        foreach (var (key, usual) in Table)
        {
            var supported = usual;
            if (!own && family.Fixed.TryGetValue(key, out var one)) supported = [one];
            else if (own && ExpertKeys.Own.Any(k => k.Name == key)
                || !own && (key == "hidden_act" || family.Keys.Any(k => k.Name == key)
                || (key == RopeConfig.PartialKey && family.PartialRotary is not null)))
                continue;
            if (config[key] is not { } value || supported.Any(s => JsonNode.DeepEquals(JsonNode.Parse(s), value)))
                continue;
            var remedy = supported.Length == 0 ? "null" : string.Join(" or ", supported.Select(s => s.Trim('"')));
            throw config.Error($"{config.Shown(key)} is not supported; supported is {remedy}");
        }
    }
}
