using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Checkpoints.Verification;
using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Tests.Kernels;
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

        CpuDecoderGives(folder, folder);

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

    private static void CpuDecoderGives(string folder, string expectedIn)
    {
        CpuKernels.Require();
        using var scope = NewDisposeScope();
        using var expected = SafetensorsReader.Open(ExpectedOutputs.PathFor(expectedIn));
        using var model = ModelDirectory.LoadFrozen(folder, ScalarType.Float32);
        if (!CpuWeights.Supports(model)) return; // then the model's own operators have given the greedy text
        using var weights = new CpuWeights(model);
        var ids = expected.Read("input_ids").to(ScalarType.Int64);
        var (batch, count) = ((int)ids.shape[0], (int)ids.shape[1]);
        var wanted = expected.Read("logits").to(ScalarType.Float32).contiguous();
        using var decoder = new CpuDecoder(weights, batch, count);
        // Half of each sequence at once, the rest token by token.
        Compare(0, count / 2);
        for (var n = count / 2; n < count; n++) Compare(n, n + 1);

        void Compare(int start, int end)
        {
            var pass = new DecodePass();
            for (var b = 0; b < batch; b++)
                for (var n = start; n < end; n++)
                    pass.Add(b, n, (int)ids[b, n].item<long>(), wanted: true, reach: count);
            decoder.Run(pass, TestContext.Current.CancellationToken);
            for (var row = 0; row < pass.Count; row++)
            {
                var (b, n) = (pass.Rows[row].Slot, pass.Rows[row].Position);
                var given = wanted[b, n].data<float>().ToArray();
                for (var v = 0; v < given.Length; v++)
                    Assert.InRange(decoder.Logits(row)[v] - given[v], -Tolerance, Tolerance);
            }
        }
    }

    private static JsonNode Config(string folder) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(folder, ModelFileNames.Configuration)))!;
}
