using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints.Safetensors;

public sealed class WeightFilesTests : IDisposable
{
    private const string Index = "model.safetensors.index.json", Single = "model.safetensors";

    private static readonly ModelOptions Tiny = new()
    {
        VocabularySize = 30,
        HiddenSize = 16,
        Layers = 2,
        Context = 12,
        Attention = new() { Heads = 4, KeyValueHeads = 2 },
    };

    private readonly TemporaryFolder _folder = new();
    private readonly LanguageModel _first = Create(3), _second = Create(4);

    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_large_model_is_written_as_Hugging_Face_does_and_loads_back()
    {
        var bytes = Save(_first, 8000);
        var index = JsonNode.Parse(File.ReadAllText(_folder.File(Index)))!;
        var parameters = _first.Parameters.Sum(p => p.Value.NumberOfElements);
        Assert.Equal(parameters, (long)index["metadata"]!["total_parameters"]!);
        Assert.Equal(parameters * 4, (long)index["metadata"]!["total_size"]!);
        Assert.Equal(_first.Parameters.Select(p => p.Name).Order(StringComparer.Ordinal),
            index["weight_map"]!.AsObject().Select(p => p.Key));
        var shards = index["weight_map"]!.AsObject().Select(p => (string)p.Value!).Distinct().ToArray();
        Assert.InRange(shards.Length, 2, 9);
        Assert.Equal(Enumerable.Range(1, shards.Length).Select(
            i => $"model-0000{i}-of-0000{shards.Length}.safetensors"), shards);
        Assert.Equal([.. shards, Index], FilesOf(_folder));
        using (var files = WeightFiles.Open(_folder.Path))
            Assert.All(files.Files, f => Assert.InRange(f.Tensors.Values.Sum(t => t.Bytes), 1, 8000));
        AssertHolds(_first);
        Assert.True(bytes > parameters * 4);
    }

    [Fact]
    public void A_tensor_larger_than_a_shard_gets_one_of_its_own()
    {
        Save(_first, 1);
        Assert.Equal(_first.Parameters.Count + 1, FilesOf(_folder).Length);
        AssertHolds(_first);
    }

    // To fewer, to as many and to more shards, and to and from a single file.
    [Theory]
    [InlineData(8000, 8000)]
    [InlineData(8000, 4000)]
    [InlineData(4000, 8000)]
    [InlineData(8000, long.MaxValue)]
    [InlineData(long.MaxValue, 8000)]
    [InlineData(long.MaxValue, long.MaxValue)]
    public void A_second_model_replaces_the_first_and_leaves_none_of_its_files(long first, long second)
    {
        Save(_first, first);
        File.WriteAllText(_folder.File("model-00001-of-00009.safetensors.1.tmp"), "a save that was killed");
        File.WriteAllText(_folder.File("notes.safetensors"), "not ours");
        Save(_second, second);
        AssertHolds(_second);
        using var fresh = new TemporaryFolder();
        ModelDirectory.Save(fresh.Path, _second, shardBytes: second);
        Assert.Equal(FilesOf(fresh), FilesOf(_folder).Where(n => n != "notes.safetensors"));
    }

    // The folder is copied after every change, as a crash would leave it.
    [Theory]
    [InlineData(8000, 8000)]
    [InlineData(8000, 4000)]
    [InlineData(4000, 8000)]
    [InlineData(8000, long.MaxValue)]
    [InlineData(long.MaxValue, 8000)]
    public void At_every_moment_the_folder_holds_one_model_whole(long first, long second)
    {
        Save(_first, first);
        var states = new List<TemporaryFolder>();
        new WeightWriter(_folder.Path, null, null, () => states.Add(CopyOf(_folder)))
            .Write(_second.Parameters.Select(p => new StoredTensor(p.Name, p.Value)), second);
        Assert.True(Holds(states[^1].Path, _second));
        var news = 0;
        foreach (var state in states)
        {
            if (Holds(state.Path, _second)) news++;
            else Assert.True(Holds(state.Path, _first));
            ModelDirectory.Save(state.Path, _first, shardBytes: 5000); // and a later save works
            Assert.True(Holds(state.Path, _first));
            state.Dispose();
        }
        Assert.InRange(news, 1, states.Count - (second == long.MaxValue ? 0 : 2));
    }

    [Fact]
    public void A_save_that_fails_halfway_leaves_the_earlier_model()
    {
        Save(_first, 8000);
        var before = FilesOf(_folder);
        using var broken = Create(5);
        broken.Parameters[^1].Dispose(); // its last tensor cannot be written
        Assert.ThrowsAny<Exception>(() => Save(broken, 4000));
        Assert.Equal(before, FilesOf(_folder));
        AssertHolds(_first);
    }

    [Fact]
    public void The_single_file_counts_before_the_index()
    {
        Save(_first, 8000);
        using var other = new TemporaryFolder();
        ModelDirectory.Save(other.Path, _second);
        File.Copy(other.File(Single), _folder.File(Single));
        AssertHolds(_second);
    }

    [Fact]
    public void Missing_shards_and_tensors_are_named()
    {
        Assert.Contains("holds no weights, neither model.safetensors nor model.safetensors.index.json", Refused());
        Save(_first, 8000);
        var shards = FilesOf(_folder).Where(n => n != Index).ToArray();
        File.Move(_folder.File(shards[0]), _folder.File("kept"));
        Assert.Contains($"lists shards that are missing: \"{shards[0]}\"; get them again", Refused());
        File.Copy(_folder.File(shards[1]), _folder.File(shards[0]));
        Assert.Contains($"{shards[0]}\" lacks tensors that {Index} says are in it: \"lm_head.weight\"", Refused());
        var bytes = File.ReadAllBytes(_folder.File("kept"));
        File.WriteAllBytes(_folder.File(shards[0]), bytes[..^100]);
        Assert.Matches(
            $"{shards[0]}\" cannot be read: tensor \".+\" claims bytes .+; the file is truncated", Refused());
        File.WriteAllBytes(_folder.File(shards[0]), bytes);
        AssertHolds(_first);
        foreach (var shard in FilesOf(_folder).Where(n => n.StartsWith("model-", StringComparison.Ordinal)))
            File.Delete(_folder.File(shard));
        Save(_first, 1000);
        foreach (var shard in FilesOf(_folder).Where(n => n.StartsWith("model-0000", StringComparison.Ordinal)).Take(5))
            File.Delete(_folder.File(shard));
        Assert.Matches(
            "missing: \"model-00001-.+\", \"model-00002-.+\", \"model-00003-.+\" and 2 more; get", Refused());
    }

    [Theory]
    [InlineData("""{"weight_map":{"a":"../x.safetensors"}}""",
        "said to be in \"../x.safetensors\", which is not the name of a .safetensors file in the same folder")]
    [InlineData("""{"weight_map":{"a":"/etc/x.safetensors"}}""", "same folder")]
    [InlineData("""{"weight_map":{"a":"sub\\x.safetensors"}}""", "same folder")]
    [InlineData("""{"weight_map":{"a":"x.safetensors\u0000"}}""", "same folder")]
    [InlineData("""{"weight_map":{"a":"config.json"}}""", "same folder")]
    [InlineData("""{"weight_map":{"a":""}}""", "same folder")]
    [InlineData("""{"weight_map":{"a":null}}""", "same folder")]
    [InlineData("""{"weight_map":{"a":3}}""", "cannot be read")]
    [InlineData("""{"weight_map":["a"]}""", "cannot be read")]
    [InlineData("""{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}""", "the key \"a\" stands there twice")]
    [InlineData("""{"weight_map":{}}""", "its \"weight_map\" is empty")]
    [InlineData("""{"metadata":{}}""", "it has no \"weight_map\"")]
    [InlineData("[]", "does not begin with")]
    [InlineData("", "does not begin with")]
    [InlineData("""{"weight_map":""", "cannot be read")]
    public void An_index_that_makes_no_sense_is_refused_in_one_line(string text, string reason)
    {
        File.WriteAllText(_folder.File(Index), text);
        var message = Assert.Throws<CrossheadException>(() => WeightFiles.Open(_folder.Path)).Message;
        Assert.Contains(reason, message);
        Assert.Contains(Index, message);
        Assert.DoesNotContain('\n', message);
    }

    private static LanguageModel Create(long seed)
    {
        var model = new LanguageModel(Tiny);
        model.Initialize(seed);
        return model;
    }

    private long Save(LanguageModel model, long shardBytes)
    {
        ModelDirectory.Save(_folder.Path, model, shardBytes: shardBytes);
        return Directory.GetFiles(_folder.Path).Sum(f => new FileInfo(f).Length);
    }

    private string Refused()
    {
        using var model = new LanguageModel(Tiny);
        var message = Assert.Throws<CrossheadException>(() => ModelDirectory.LoadWeights(model, _folder.Path)).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    private void AssertHolds(LanguageModel model) => Assert.True(Holds(_folder.Path, model));

    private static bool Holds(string folder, LanguageModel model)
    {
        using var scope = NewDisposeScope();
        using var loaded = ModelDirectory.Load(folder);
        return loaded.Parameters.Zip(model.Parameters).All(p => p.First.Value.equal(p.Second.Value).all().item<bool>());
    }

    private static string[] FilesOf(TemporaryFolder folder) => [.. Directory.GetFiles(folder.Path)
        .Select(f => Path.GetFileName(f)!).Where(n => n != "config.json").Order(StringComparer.Ordinal)];

    private static TemporaryFolder CopyOf(TemporaryFolder folder)
    {
        var copy = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(folder.Path)) File.Copy(file, copy.File(Path.GetFileName(file)));
        return copy;
    }
}
