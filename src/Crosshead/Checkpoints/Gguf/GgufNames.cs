using System.Globalization;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>The names of a model's parameters in GGUF files.</summary>
internal static class GgufNames
{
    private const int MostDigits = 9; // of a layer's index

    private static readonly Dictionary<string, string> Parts = new()
    {
        ["model.embed_tokens"] = "token_embd",
        ["model.norm"] = "output_norm",
        ["lm_head"] = "output",
        ["input_layernorm"] = "attn_norm",
        ["post_attention_layernorm"] = "ffn_norm",
        ["pre_feedforward_layernorm"] = "ffn_norm",
        ["post_feedforward_layernorm"] = "post_ffw_norm",
        ["self_attn.q_proj"] = "attn_q",
        ["self_attn.k_proj"] = "attn_k",
        ["self_attn.v_proj"] = "attn_v",
        ["self_attn.o_proj"] = "attn_output",
        ["self_attn.q_norm"] = "attn_q_norm",
        ["self_attn.k_norm"] = "attn_k_norm",
        ["self_attn.q_a_proj"] = "attn_q_a",
        ["self_attn.q_a_layernorm"] = "attn_q_a_norm",
        ["self_attn.q_b_proj"] = "attn_q_b",
        ["self_attn.kv_a_proj_with_mqa"] = "attn_kv_a_mqa",
        ["self_attn.kv_a_layernorm"] = "attn_kv_a_norm",
        ["self_attn.kv_b_proj"] = "attn_kv_b",
        ["mlp.gate_proj"] = "ffn_gate",
        ["mlp.up_proj"] = "ffn_up",
        ["mlp.down_proj"] = "ffn_down",
        ["mlp.gate"] = "ffn_gate_inp",
        ["mlp.experts.gate_proj"] = "ffn_gate_exps",
        ["mlp.experts.up_proj"] = "ffn_up_exps",
        ["mlp.experts.down_proj"] = "ffn_down_exps",
        ["mlp.shared_experts.gate_proj"] = "ffn_gate_shexp",
        ["mlp.shared_experts.up_proj"] = "ffn_up_shexp",
        ["mlp.shared_experts.down_proj"] = "ffn_down_shexp",
    };

    // Parameters that are called otherwise than weight and bias.
    private static readonly Dictionary<string, string> Whole = new()
    {
        ["self_attn.sinks"] = "attn_sinks.weight",
        ["mlp.gate.e_score_correction_bias"] = "exp_probs_b.bias",
    };

    /// <summary>
    /// The name in a GGUF file, such as <c>blk.0.attn_q.weight</c> for <c>model.layers.0.self_attn.q_proj.weight</c>,
    /// and the index of the expert among those that have it. The experts of a layer have one name, because they are one
    /// tensor there.
    /// </summary>
    /// <param name="parameter">The parameter's name.</param>
    /// <param name="architecture">The architecture of the file.</param>
    /// <param name="expert">Index of the expert; null if the parameter belongs to none.</param>
    /// <exception cref="CrossheadException">The format has no place for it.</exception>
    public static string Of(string parameter, GgufArchitecture architecture, out int? expert) =>
        Find(parameter, out expert, architecture.Names) ?? throw new CrossheadException(
            $"GGUF has no place for the tensor \"{parameter}\"; only plain models can be written.");

    /// <summary>
    /// The name in a GGUF file, and the index of the expert among those that have it; null if the format has no place
    /// for the parameter.
    /// </summary>
    /// <param name="parameter">The parameter's name.</param>
    /// <param name="expert">Index of the expert; null if the parameter belongs to none.</param>
    /// <param name="own">Modules that have other names than the usual ones; null for none.</param>
    public static string? Find(string parameter, out int? expert, IReadOnlyDictionary<string, string>? own = null)
    {
        expert = null;
        var (block, words) = ("", parameter.Split('.'));
        if (words is ["model", "layers", var layer, .. var inner] && Number(layer) is not null)
            (block, words) = ($"blk.{layer}.", inner);
        if (words is not [_, .., var kind]) return null;
        if (Whole.TryGetValue(string.Join('.', words), out var whole)) return block + whole;
        if (kind is not ("weight" or "bias")) return null;
        var index = words is [_, .., var word, _, _] ? Number(word) : null;
        var part = string.Join('.', index is null ? words[..^1] : [.. words[..^3], words[^2]]);
        var name = own?.GetValueOrDefault(part) ?? Parts.GetValueOrDefault(part);
        if (name is null) return null;
        expert = index;
        return $"{block}{name}.{kind}";
    }

    /// <summary>Index of the layer that a tensor of a file belongs to; null for none.</summary>
    public static int? LayerOf(string tensor) =>
        tensor.Split('.') is ["blk", { Length: <= MostDigits } layer, _, ..] ? Number(layer) : null;

    private static int? Number(string word) =>
        int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
