using Crosshead.Checkpoints.Gguf;

namespace Crosshead.Tests.Checkpoints.Gguf;

public sealed class GgufNamesTests
{
    [Theory]
    [InlineData("model.embed_tokens.weight", "token_embd.weight", null)]
    [InlineData("lm_head.bias", "output.bias", null)]
    [InlineData("model.layers.11.self_attn.q_proj.weight", "blk.11.attn_q.weight", null)]
    [InlineData("model.layers.0.self_attn.sinks", "blk.0.attn_sinks.weight", null)]
    [InlineData("model.layers.0.mlp.gate.e_score_correction_bias", "blk.0.exp_probs_b.bias", null)]
    [InlineData("model.layers.2.mlp.experts.31.up_proj.weight", "blk.2.ffn_up_exps.weight", 31)]
    [InlineData("model.layers.2.mlp.experts.x.up_proj.weight", null, null)]
    [InlineData("model.layers.2.mlp.experts.31.weight", null, null)]
    [InlineData("model.layers.a.self_attn.q_proj.weight", null, null)]
    [InlineData("model.layers.2.self_attn.q_proj.scale", null, null)]
    [InlineData("model.layers.2.weight", null, null)]
    [InlineData("weight", null, null)]
    [InlineData("", null, null)]
    public void A_parameter_has_a_place_or_none(string parameter, string? name, int? expert)
    {
        Assert.Equal(name, GgufNames.Find(parameter, out var found));
        Assert.Equal(expert, found);
    }

    [Theory]
    [InlineData("blk.7.attn_q.weight", 7)]
    [InlineData("blk.123456789.x", 123456789)]
    [InlineData("blk.1234567890.x", null)]
    [InlineData("blk.-1.x", null)]
    [InlineData("blk.7", null)]
    [InlineData("blk..x", null)]
    [InlineData("token_embd.weight", null)]
    public void A_tensor_is_in_a_layer_or_in_none(string tensor, int? layer) =>
        Assert.Equal(layer, GgufNames.LayerOf(tensor));
}
