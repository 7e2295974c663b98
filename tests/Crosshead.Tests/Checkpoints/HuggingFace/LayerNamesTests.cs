using Crosshead.Checkpoints.HuggingFace;

namespace Crosshead.Tests.Checkpoints.HuggingFace;

public sealed class LayerNamesTests
{
    [Theory]
    [InlineData("mlp.experts.down_proj", "model.layers.12.mlp.experts.down_proj", "model.layers.12.", "")]
    [InlineData("mlp.experts.down_proj", "model.layers.12.mlp.experts.down_proj.bias", null, null)]
    [InlineData("mlp.experts.down_proj", "model.layers.mlp.experts.down_proj", null, null)]
    [InlineData("mlp.experts.down_proj", "model.layers..mlp.experts.down_proj", null, null)]
    [InlineData("mlp.experts.down_proj", "model.layers.1a.mlp.experts.down_proj", null, null)]
    [InlineData("mlp.experts.down_proj", "model.layers.1", null, null)]
    [InlineData("mlp.experts.down_proj", "a.model.layers.1.mlp.experts.down_proj", null, null)]
    [InlineData("experts.*.w1.weight", "model.layers.0.experts.31.w1.weight", "model.layers.0.", "31")]
    [InlineData("experts.*.w1.weight", "model.layers.0.experts.31.w2.weight", null, null)]
    [InlineData("experts.*.w1.weight", "model.layers.0.experts..w1.weight", null, null)]
    [InlineData("experts.*.w1.weight", "model.layers.0.experts.w1.weight", null, null)]
    [InlineData("experts.*.w1.weight", "model.layers.0.experts.x.w1.weight", null, null)]
    public void A_name_is_in_a_layer_and_has_the_form(string form, string name, string? layer, string? expert)
    {
        var names = new LayerNames(form);
        Assert.Equal(layer is null ? null : (layer, expert!), names.Match(name));
        if (layer is not null) Assert.Equal(name, names.Of(layer, expert!));
    }
}
