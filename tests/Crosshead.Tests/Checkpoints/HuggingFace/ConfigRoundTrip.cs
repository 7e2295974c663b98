using System.Text.Json.Nodes;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Model;

namespace Crosshead.Tests.Checkpoints.HuggingFace;

/// <summary>Options written as <c>config.json</c> and read again.</summary>
internal static class ConfigRoundTrip
{
    /// <summary>The options that are read from what is written of some; they must be of the given model type.</summary>
    public static ModelOptions Back(ModelOptions options, string modelType)
    {
        var text = ModelConfig.Write(options, "float32", new TextTokens(1, [2]));
        Assert.Equal(modelType, (string)JsonNode.Parse(text)!["model_type"]!);
        return ModelConfig.Parse("config.json", text);
    }

    /// <summary>Asserts that options are the same: lists in records compare by identity.</summary>
    public static void Same(ModelOptions expected, ModelOptions actual)
    {
        ModelOptions Resolved(ModelOptions o) => o with
        {
            FeedForwardSize = o.FeedForward,
            Attention = o.Attention with { KeyValueHeads = o.Attention.Groups, HeadDim = o.HeadDim },
            FullAttentionLayers = null,
            Experts = null,
            VirtualHeads = null,
        };
        Assert.Equal(Resolved(expected), Resolved(actual));
        Assert.Equal(expected.FullAttentionLayers, actual.FullAttentionLayers);
        Assert.Equal(expected.VirtualHeads, actual.VirtualHeads);
        Assert.Equal(expected.Experts is null, actual.Experts is null);
        if (expected.Experts is not { } experts) return;
        Assert.Equal(experts with { DenseLayers = null }, actual.Experts! with { DenseLayers = null });
        Assert.Equal(experts.DenseLayers, actual.Experts.DenseLayers);
    }
}
