using Crosshead.Attention;
using Crosshead.Compression;
using Crosshead.Model;

namespace Crosshead.Tests.Compression;

public sealed class WholeLayerTests
{
    [Theory]
    [InlineData(AttentionVariant.Gqa)]
    [InlineData(AttentionVariant.Mea)]
    [InlineData(AttentionVariant.MeaNoNorm)]
    public void A_layer_without_fits_is_the_layer_as_it_was(AttentionVariant variant)
    {
        using var model = new LanguageModel(new ModelOptions
        {
            VocabularySize = 32,
            HiddenSize = 16,
            Layers = 1,
            Context = 8,
            Attention = new AttentionOptions { Variant = variant, Heads = 2 },
        });
        model.Initialize(1);
        using var layer = CompressedLayer.Create(model, 0, null, null);
        var own = model.Parameters.Where(p => p.Name.StartsWith(CompressedLayer.Prefix(0), StringComparison.Ordinal))
            .ToDictionary(p => p.Name[CompressedLayer.Prefix(0).Length..], p => p.Value);
        Assert.Equal(own.Keys.Order(), layer.Parameters.Select(p => p.Name).Order());
        Assert.All(layer.Parameters,
            p => Assert.Equal(own[p.Name].data<float>().ToArray(), p.Value.data<float>().ToArray()));
    }
}
