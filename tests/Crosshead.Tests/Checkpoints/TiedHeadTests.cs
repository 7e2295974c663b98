using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints;

/// <summary>A head stored beside an embedding that the configuration ties it to.</summary>
public sealed class TiedHeadTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static LanguageModel Create(bool tied)
    {
        var model = new LanguageModel(new ModelOptions
        {
            VocabularySize = 30,
            HiddenSize = 16,
            Layers = 1,
            Context = 12,
            TieEmbeddings = tied,
            Attention = new() { Heads = 2 },
        });
        model.Initialize(3);
        return model;
    }

    // A model with a head of its own, whose configuration says that it has none.
    private float[] Write(Action<Tensor, Tensor> change, long shardBytes = ModelDirectory.DefaultShardBytes,
        ScalarType? type = null)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var model = Create(tied: false);
        var parameters = model.Parameters.ToDictionary(p => p.Name, p => p.Value);
        change(parameters["model.embed_tokens.weight"], parameters["lm_head.weight"]);
        ModelDirectory.Save(_folder.Path, model, type: type, shardBytes: shardBytes);
        SetTied(true);
        return Logits(model);
    }

    private void SetTied(bool tied)
    {
        var config = JsonNode.Parse(File.ReadAllText(_folder.File("config.json")))!;
        config["tie_word_embeddings"] = tied;
        File.WriteAllText(_folder.File("config.json"), config.ToJsonString());
    }

    private static float[] Logits(LanguageModel model)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        return model.Logits(tensor(new long[] { 1, 5, 7 }).unsqueeze(0)).cpu().data<float>().ToArray();
    }

    [Theory]
    [InlineData(ModelDirectory.DefaultShardBytes)]
    [InlineData(2000L)]
    public void A_head_of_other_values_is_kept_and_said_again(long shardBytes)
    {
        var expected = Write((_, _) => { }, shardBytes);
        Assert.Equal(shardBytes == 2000, File.Exists(_folder.File("model.safetensors.index.json")));
        var description = ModelDescription.Of(_folder.Path);
        Assert.False(description.Options.TieEmbeddings);
        Assert.Contains("stores lm_head.weight with other values", Assert.Single(description.Remarks));
        using var loaded = ModelDirectory.Load(_folder.Path);
        Assert.Equal(expected, Logits(loaded));

        using var copy = new TemporaryFolder();
        ModelDirectory.Save(copy.Path, loaded);
        Assert.False((bool)JsonNode.Parse(File.ReadAllText(copy.File("config.json")))!["tie_word_embeddings"]!);
        Assert.Empty(ModelDescription.Of(copy.Path).Remarks);
        using var again = ModelDirectory.Load(copy.Path);
        Assert.Equal(expected, Logits(again));
    }

    [Fact]
    public void One_value_that_differs_is_enough_whatever_its_place()
    {
        Write((embedding, head) =>
        {
            head.copy_(embedding);
            head[29, 15] += 1e-3;
        });
        Assert.False(ModelDescription.Of(_folder.Path).Options.TieEmbeddings);
    }

    [Fact]
    public void An_equal_head_goes_on_being_the_embedding()
    {
        var expected = Write((embedding, head) => head.copy_(embedding));
        Assert.Empty(ModelDescription.Of(_folder.Path).Remarks);
        using var loaded = ModelDirectory.Load(_folder.Path);
        Assert.True(loaded.Options.TieEmbeddings);
        Assert.Equal(expected, Logits(loaded));
    }

    [Theory]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float64)]
    public void Equal_values_of_another_precision_and_sign_of_zero_are_equal(ScalarType type)
    {
        using var scope = NewDisposeScope();
        Write((embedding, head) =>
        {
            embedding.copy_(embedding.to(type).to(ScalarType.Float32));
            embedding[0, 0] = 0;
            head.copy_(embedding);
        });
        using (var files = WeightFiles.Open(_folder.Path))
        {
            var tensors = files.Tensors.Keys.ToDictionary(n => n,
                n => n == "lm_head.weight" ? files.Map(n).to(type) : files.Map(n).clone());
            tensors["lm_head.weight"][0, 0] = -0.0;
            SafetensorsWriter.Write(_folder.File("model.safetensors"), tensors);
        }
        Assert.True(ModelDescription.Of(_folder.Path).Options.TieEmbeddings);
    }

    [Fact]
    public void A_head_alone_is_the_embedding()
    {
        using var scope = NewDisposeScope();
        float[] expected;
        using (var model = Create(tied: true))
        {
            expected = Logits(model);
            ModelDirectory.Save(_folder.Path, model);
        }
        using (var files = WeightFiles.Open(_folder.Path))
            SafetensorsWriter.Write(_folder.File("model.safetensors"), files.Tensors.Keys.ToDictionary(
                n => n == "model.embed_tokens.weight" ? "lm_head.weight" : n, n => files.Map(n).clone()));
        using var loaded = ModelDirectory.Load(_folder.Path);
        Assert.Equal(expected, Logits(loaded));
    }

    [Fact]
    public void A_model_that_was_made_tied_does_not_take_it()
    {
        Write((_, _) => { });
        using var model = Create(tied: true);
        var message = Assert.Throws<CrossheadException>(() => ModelDirectory.LoadWeights(model, _folder.Path)).Message;
        Assert.Contains("stores lm_head.weight with other values than model.embed_tokens.weight", message);
    }
}
