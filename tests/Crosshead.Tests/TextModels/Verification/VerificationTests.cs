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

    [Theory]
    [InlineData("heads", "0", "\"heads\" is 0, a whole number from 1 to 65536")]
    [InlineData("heads", "2.5", "\"heads\" is 2.5, a whole number from 1 to 65536")]
    [InlineData("heads", "1e9", "\"heads\" is 1e9, a whole number")]
    [InlineData("heads", "many", "lacks the number \"heads\"")]
    [InlineData("heads", "12", "\"weight.q\" has shape [48, 48], expected [96, 48]")]
    [InlineData("kv_heads", "60000", "\"kv_heads\" is 60000, a whole number from 1 to 6")]
    [InlineData("component_heads", "7", "\"component_heads\" is 7, a whole number from 1 to 6")]
    [InlineData("dim", "64", "\"weight.q\" has shape [48, 48], expected [48, 64]")]
    [InlineData("head_dim", "7", "")]
    [InlineData("layer_index", "-1", "\"layer_index\" is -1, a whole number from 0")]
    [InlineData("rope_base", "0", "\"rope_base\" is 0, it must be above 0")]
    [InlineData("eps", "NaN", "\"eps\" is NaN, it must be above 0")]
    [InlineData("variant", "meaa", "meaa")]
    public void Bad_numbers_are_refused_by_name(string key, string value, string told) =>
        Assert.Contains(told, Refused((_, metadata) => metadata[key] = value));

    [Theory]
    [InlineData("x", "lacks the tensor \"x\"")]
    [InlineData("out", "lacks the tensor \"out\"")]
    [InlineData("weight.v", "\"weight.v\"")]
    [InlineData("grad.k_mix", "lacks the tensor \"grad.k_mix\"")]
    public void Missing_tensors_are_refused_by_name(string tensor, string told) =>
        Assert.Contains(told, Refused((tensors, _) => tensors.Remove(tensor)));

    [Theory]
    [InlineData("x", "\"x\" has shape [48], expected [batch, length, 48]")]
    [InlineData("out", "\"out\" has shape [48], expected [2, 12, 48]")]
    [InlineData("probe", "\"probe\" has shape [48], expected [2, 12, 48]")]
    [InlineData("grad.x", "\"grad.x\" has shape [48], expected [2, 12, 48]")]
    [InlineData("grad.q", "\"grad.q\" has shape [48], expected [48, 48]")]
    [InlineData("weight.v", "\"grad.v\" has shape [48, 48], expected [48]")]
    public void Other_shapes_are_refused_by_name(string tensor, string told) =>
        Assert.Contains(told, Refused((tensors, _) => tensors[tensor] = zeros([48], ScalarType.Float64)));

    // What is said of a golden file after a change.
    private static string Refused(Action<Dictionary<string, Tensor>, Dictionary<string, string>> change)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var file = SafetensorsReader.Open(SharedData.Path("fixtures", "golden", "mea.safetensors"));
        var (tensors, metadata) = (file.Tensors.Keys.ToDictionary(n => n, n => file.Read(n)),
            file.Metadata.ToDictionary());
        change(tensors, metadata);
        SafetensorsWriter.Write(folder.File("bad.safetensors"), tensors, metadata);
        using var bad = SafetensorsReader.Open(folder.File("bad.safetensors"));
        return Assert.Throws<CrossheadException>(() => GoldenAttention.Verify(bad, ScalarType.Float64, CPU)).Message;
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
