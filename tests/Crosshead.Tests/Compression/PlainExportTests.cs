using Crosshead.Attention;
using Crosshead.Compression;
using Crosshead.Compression.Fits;
using static TorchSharp.torch;

namespace Crosshead.Tests.Compression;

public sealed class PlainExportTests
{
    [Theory]
    [InlineData("gqa")]
    [InlineData("window, biases, query-key norm")]
    [InlineData("mea-no-norm keys, query-key norm")]
    [InlineData("compressed")]
    [InlineData("compressed, query-key norm")]
    [InlineData("compressed by heads")]
    public void The_plain_model_computes_the_same(string name)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        using var model = SmallModels.Create(name);
        using var plain = PlainExport.Of(model);
        Assert.Equal(AttentionVariant.Gqa, plain.Options.Attention.Variant);
        Assert.Null(plain.Options.VirtualHeads);
        Assert.DoesNotContain(plain.Parameters, p => p.Name.Contains("mix", StringComparison.Ordinal));
        var ids = tensor(SmallModels.Ids(14).Select(i => (long)i).ToArray()).unsqueeze(0);
        Assert.True(TensorLeaks.RelativeError(plain.Logits(ids), model.Logits(ids)) < 1e-10);
    }

    [Theory]
    [InlineData("groupnorm")]
    [InlineData("mea c < g")]
    public void Norms_on_the_heads_outputs_are_refused(string name)
    {
        using var model = SmallModels.Create(name);
        Assert.Contains("without a norm on their outputs have a plain form",
            Assert.Throws<CrossheadException>(() => PlainExport.Of(model)).Message);
    }

    [Theory]
    [InlineData(4, 0.5, 2)]
    [InlineData(4, 0.75, 3)]
    [InlineData(2, 0.5, 1)]
    public void A_share_that_is_a_number_of_heads_is_that_plan(int groups, double share, int components) =>
        Assert.Equal(new LayerPlan(CompressionMethod.Svd, components, components * 8),
            Compressor.SvdPlan(groups, 8, share));

    [Theory]
    [InlineData(4, 0.6, "use 50.0")]
    [InlineData(4, 0.01, "use 25.0")]
    [InlineData(4, 0.99, "use 75.0")]
    [InlineData(1, 0.5, "use `Method` fine")]
    public void Other_shares_are_refused_with_the_nearest(int groups, double share, string remedy) =>
        Assert.Contains(remedy, Assert.Throws<CrossheadException>(() => Compressor.SvdPlan(groups, 8, share)).Message);

    [Fact]
    public void What_is_rounded_is_what_is_stored()
    {
        using var scope = NewDisposeScope();
        using var model = SmallModels.Create("gqa", type: ScalarType.Float32);
        var before = SmallModels.Copy(model);
        Compressor.RoundTo(model, ScalarType.BFloat16);
        foreach (var parameter in model.Parameters)
            Assert.True(SmallModels.Same(parameter.Value,
                before[parameter.Name].to(ScalarType.BFloat16).to(ScalarType.Float32)));
    }
}
