using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.TextModels.Verification;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints.HuggingFace;

/// <summary>The text models of models that read images too.</summary>
public sealed class ImageModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("gemma3", "gemma3", "language_model.model.", "language_model.lm_head.", "")]
    [InlineData("gemma3", "gemma3", "model.language_model.", "lm_head.", "model.")]
    [InlineData("ministral3", "mistral3", "language_model.model.", "language_model.lm_head.", "")]
    [InlineData("ministral3", "mistral3", "model.language_model.", "lm_head.", "model.")]
    public void They_compute_what_the_text_model_computes_alone(string family, string type, string layers, string head,
        string images)
    {
        Wrap(family, type, layers, head, images);
        var verified = ExpectedOutputs.Verify(_folder.Path, ScalarType.Float32, CPU);
        Assert.True(verified.Ok, verified.ToString());
        Assert.True(verified.GreedyMatches);
        var described = ModelDescription.Of(_folder.Path);
        Assert.Contains("also reads images", described.Remarks.Single(), StringComparison.Ordinal);

        // Saved, it is the text model.
        using var copy = new TemporaryFolder();
        using (var model = ModelDirectory.Load(_folder.Path)) ModelDirectory.Save(copy.Path, model);
        var alone = ModelDescription.Of(SharedData.Path("fixtures", "families", family));
        Assert.Equal(ModelConfig.Write(alone.Options, "float32"),
            ModelConfig.Write(ModelDescription.Of(copy.Path).Options, "float32"));
        Assert.Empty(ModelDescription.Of(copy.Path).Remarks);
        Assert.Equal(alone.Weights.Types, described.Weights.Types);
    }

    [Fact]
    public void Keys_that_the_text_model_lacks_have_the_meaning_of_the_whole() => Assert.Equivalent(
        new { VocabularySize = 262208, Layers = 34, Context = 131072, TieEmbeddings = true },
        ModelConfig.Parse("config.json", """
            {"model_type":"gemma3","architectures":["Gemma3ForConditionalGeneration"],"text_config":{
            "hidden_size":2560,"intermediate_size":10240,"model_type":"gemma3_text","num_hidden_layers":34,
            "rope_scaling":{"factor":8.0,"rope_type":"linear"},"sliding_window":1024},"vision_config":{}}
            """));

    [Fact]
    public void One_without_a_text_model_is_refused() => Assert.Equal(
        "\"config.json\": it lacks \"text_config\".", Assert.Throws<CrossheadException>(
            () => ModelConfig.Parse("config.json", """{"model_type":"mistral3"}""")).Message);

    // The checkpoint of a text model as it lies within one that reads images.
    private void Wrap(string family, string type, string layers, string head, string images)
    {
        using var scope = NewDisposeScope();
        var folder = SharedData.Path("fixtures", "families", family);
        using var weights = WeightFiles.Open(folder);
        string NameOf(string name) => name.StartsWith("model.", StringComparison.Ordinal) ? layers + name[6..]
            : head + name["lm_head.".Length..];
        var tensors = weights.Tensors.Keys.ToDictionary(NameOf, weights.Map);
        tensors[images + "vision_tower.patch.weight"] = ones(3, 5);
        tensors[images + "multi_modal_projector.norm.weight"] = full([4], double.NaN);
        SafetensorsWriter.Write(_folder.File(ModelFileNames.Weights), tensors, null);
        File.Copy(ExpectedOutputs.PathFor(folder), _folder.File(ExpectedOutputs.FileName));
        var text = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, ModelFileNames.Configuration)))!.AsObject();
        text.Remove("architectures");
        _folder.Write(ModelFileNames.Configuration, new JsonObject
        {
            ["model_type"] = type,
            ["architectures"] = new JsonArray("WholeForConditionalGeneration"),
            ["dtype"] = "float32",
            ["text_config"] = text,
            ["vision_config"] = new JsonObject { ["model_type"] = "vision", ["hidden_size"] = 5 },
        }.ToJsonString());
    }
}
