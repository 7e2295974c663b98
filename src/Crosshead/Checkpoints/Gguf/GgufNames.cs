using System.Globalization;
using System.Text.RegularExpressions;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>The names of a model's parameters in GGUF files.</summary>
internal static partial class GgufNames
{
    private static readonly Dictionary<string, string> Parts = new()
    {
        ["model.embed_tokens"] = "token_embd",
        ["model.norm"] = "output_norm",
        ["lm_head"] = "output",
        ["input_layernorm"] = "attn_norm",
        ["post_attention_layernorm"] = "ffn_norm",
        ["self_attn.q_proj"] = "attn_q",
        ["self_attn.k_proj"] = "attn_k",
        ["self_attn.v_proj"] = "attn_v",
        ["self_attn.o_proj"] = "attn_output",
        ["self_attn.q_norm"] = "attn_q_norm",
        ["self_attn.k_norm"] = "attn_k_norm",
        ["mlp.gate_proj"] = "ffn_gate",
        ["mlp.up_proj"] = "ffn_up",
        ["mlp.down_proj"] = "ffn_down",
        ["mlp.gate"] = "ffn_gate_inp",
        ["mlp.experts.gate_proj"] = "ffn_gate_exps",
        ["mlp.experts.up_proj"] = "ffn_up_exps",
        ["mlp.experts.down_proj"] = "ffn_down_exps",
    };

    /// <summary>
    /// The name in a GGUF file, such as <c>blk.0.attn_q.weight</c> for <c>model.layers.0.self_attn.q_proj.weight</c>.
    /// The experts of a layer have one name, because they are one tensor there.
    /// </summary>
    /// <param name="parameter">The parameter's name.</param>
    /// <exception cref="CrossheadException">The format has no place for it.</exception>
    public static string Of(string parameter) => Of(parameter, out _);

    /// <summary>The name in a GGUF file, and the index of the expert among those that have it.</summary>
    /// <param name="parameter">The parameter's name.</param>
    /// <param name="expert">Index of the expert; null if the parameter belongs to none.</param>
    /// <exception cref="CrossheadException">The format has no place for it.</exception>
    public static string Of(string parameter, out int? expert) => Find(parameter, out expert)
        ?? throw new CrossheadException(
            $"GGUF has no place for the tensor \"{parameter}\"; only plain models can be written.");

    /// <summary>
    /// The name in a GGUF file, and the index of the expert among those that have it; null if the format has no place
    /// for the parameter.
    /// </summary>
    /// <param name="parameter">The parameter's name.</param>
    /// <param name="expert">Index of the expert; null if the parameter belongs to none.</param>
    public static string? Find(string parameter, out int? expert)
    {
        var match = ParameterName().Match(parameter);
        var part = match.Groups["part"].Value + match.Groups["projection"].Value;
        expert = null;
        if (!match.Success || !Parts.TryGetValue(part, out var name)) return null;
        var (layer, index) = (match.Groups["layer"], match.Groups["expert"]);
        expert = index.Success ? int.Parse(index.ValueSpan, CultureInfo.InvariantCulture) : null;
        return $"{(layer.Success ? $"blk.{layer.Value}." : "")}{name}.{match.Groups["kind"].Value}";
    }

    [GeneratedRegex(
        @"^(model\.layers\.(?<layer>\d+)\.)?(?<part>.+?)(\.(?<expert>\d+)(?<projection>\.\w+))?"
        + @"\.(?<kind>weight|bias)$",
        RegexOptions.ExplicitCapture)]
    private static partial Regex ParameterName();
}
