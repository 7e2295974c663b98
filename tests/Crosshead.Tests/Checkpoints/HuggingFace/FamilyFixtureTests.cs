using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Runtime;
using Crosshead.TextModels.Verification;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints.HuggingFace;

/// <summary>Checkpoints that Transformers wrote, with its logits and greedy texts.</summary>
public sealed class FamilyFixtureTests
{
    private const double Tolerance = 2e-4;

    [Theory]
    [InlineData("granite")]
    [InlineData("seed-oss")]
    [InlineData("phi3")]
    [InlineData("phi3-longrope")]
    [InlineData("smollm3")]
    [InlineData("olmo2")]
    [InlineData("olmo3")]
    [InlineData("glm4")]
    [InlineData("ministral3")]
    [InlineData("gemma2")]
    [InlineData("gemma3")]
    [InlineData("cohere2")]
    [InlineData("mixtral")]
    [InlineData("glm4-moe")]
    [InlineData("gpt-oss")]
    [InlineData("deepseek-v3")]
    public void Logits_and_greedy_texts_are_those_of_Transformers(string name)
    {
        var folder = SharedData.Path("fixtures", "families", name);
        var verified = ExpectedOutputs.Verify(folder, ScalarType.Float32, CPU);
        Assert.True(verified.GreedyMatches);
        Assert.InRange(verified.MaxAbsError, 0, Tolerance);
        Assert.Equal(CpuVectors.AreUsed ? "kernels" : "tensors", verified.Decoder);
        Assert.InRange(verified.DecodedMaxRelError!.Value, 0, Tolerance);

        using var copy = new TemporaryFolder();
        using (var model = ModelDirectory.Load(folder)) ModelDirectory.Save(copy.Path, model);
        Assert.Equal((string)Config(folder)["model_type"]!, (string)Config(copy.Path)["model_type"]!);
        using WeightFiles before = WeightFiles.Open(folder), after = WeightFiles.Open(copy.Path);
        Assert.Equal(before.Tensors.Keys.Order(), after.Tensors.Keys.Order());
        foreach (var tensor in before.Tensors.Keys)
        {
            using var scope = NewDisposeScope();
            Assert.True(before.Map(tensor).to(ScalarType.Float32).equal(after.Map(tensor)).all().item<bool>(), tensor);
        }
        Assert.Equal(ModelConfig.Write(ModelDescription.Of(folder).Options, "float32"),
            ModelConfig.Write(ModelDescription.Of(copy.Path).Options, "float32"));
    }

    private static JsonNode Config(string folder) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(folder, ModelFileNames.Configuration)))!;
}
