using Crosshead.Checkpoints.Safetensors;
using Crosshead.TextModels.Verification;
using static TorchSharp.torch;

namespace Crosshead.Tests.TextModels.Verification;

public sealed class VerificationTests
{
    public static TheoryData<string> Golden =>
        ["mha", "gqa", "groupnorm", "mea", "mea-gqa", "mea-virtual", "mea-no-norm", "talking-heads", "differential",
            "differential-gqa"];

    [Theory]
    [MemberData(nameof(Golden))]
    public void Outputs_and_gradients_equal_the_golden_file(string name)
    {
        var path = SharedData.Path("fixtures", "golden", $"{name}.safetensors");
        foreach (var (type, tolerance) in new[] { (ScalarType.Float64, 1e-9), (ScalarType.Float32, 1e-4) })
        {
            using var file = SafetensorsReader.Open(path);
            Assert.True(GoldenAttention.IsGolden(file));
            var result = GoldenAttention.Verify(file, type, CPU);
            Assert.True(result.Ok);
            Assert.InRange(result.MaxRelError, 0, tolerance);
            Assert.InRange(result.GradMaxRelError!.Value, 0, tolerance);
        }
    }

    [Theory]
    [InlineData("data", "models", "stories260K")]
    [InlineData("fixtures", "hf", "llama")]
    [InlineData("fixtures", "hf", "llama3-rope-tied")]
    [InlineData("fixtures", "hf", "mistral-window")]
    [InlineData("fixtures", "hf", "qwen2")]
    [InlineData("fixtures", "hf", "qwen3")]
    [InlineData("fixtures", "hf", "qwen3-moe")]
    public void A_real_model_computes_the_stored_logits_and_greedy_text(params string[] parts)
    {
        var result = ExpectedOutputs.Verify(SharedData.Path(parts), ScalarType.Float32, CPU);
        Assert.True(result.Ok, result.ToString());
        Assert.InRange(result.MaxRelError, 0, 2e-4);
        Assert.True(result.GreedyMatches);
    }

    [Fact]
    public void A_file_that_is_off_does_not_pass()
    {
        var path = SharedData.Path("fixtures", "golden", "mea.safetensors");
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var file = SafetensorsReader.Open(path);
        var tensors = file.Tensors.Keys.ToDictionary(n => n, n => file.Read(n));
        tensors["grad.k_mix"] = tensors["grad.k_mix"] * (1 + 1e-7);
        SafetensorsWriter.Write(folder.File("off.safetensors"), tensors, file.Metadata);
        using var off = SafetensorsReader.Open(folder.File("off.safetensors"));
        Assert.False(GoldenAttention.Verify(off, ScalarType.Float64, CPU).Ok);
    }
}
