using System.Text;
using Crosshead.Attention.Composition;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Compression.Fits;
using Crosshead.Compression.Search;
using Crosshead.Evaluation.Scoring;
using Crosshead.Evaluation.Tasks;
using Crosshead.Model;
using Crosshead.Tests.Evaluation.Tasks;
using Crosshead.Tests.Files;
using Crosshead.Tests.Training.Runs;
using Crosshead.Training.Logging;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;

namespace Crosshead.Tests;

/// <summary>
/// Whatever is wrong with a file, the library throws <see cref="CrossheadException"/> alone, and says it in one line
/// that does not speak of .NET.
/// </summary>
public sealed class DamagedFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Recipes()
    {
        var recipe = TinyRun.Recipe with
        {
            Data = new DataOptions { Folders = ["a", "b"] },
            Model = TinyRun.Recipe.Model with
            {
                RopeScaling = new() { Factor = 2, OriginalContext = 8 },
                VirtualHeads = [new() { KeyComponents = 1 }, null],
                Experts = new() { DenseLayers = [1] },
            },
            Training = TinyRun.Recipe.Training with
            {
                Distillation = new() { Teacher = "teacher" },
                Trainable = [TrainablePart.Keys, TrainablePart.Norms],
            },
        };
        Damage.Of(recipe.ToJson(), text => Recipe.Parse(text).ToJson());
        var path = _folder.File("derived.json");
        File.WriteAllText(_folder.File("base.json"),
            """{ "training": { "steps": 3, "schedule": { "warmupSteps": 1 } } }""");
        Damage.Of("""{ "$schema": "x", "extends": "base.json", "name": "n", "training": { "batch": 2 } }""", text =>
        {
            File.WriteAllText(path, text);
            _ = Recipe.Load(path, ["training.seed=2"]);
        });
        Damage.Of("""{ "layers": 2, "attention": { "heads": 4 } }""",
            text => Recipe.Load(_folder.File("base.json"), [$"model={text}"]));
    }

    [Fact]
    public void Configurations_of_models()
    {
        var plain = new ModelOptions
        {
            Layers = 2,
            RopeScaling = new() { Factor = 2, OriginalContext = 64 },
            Attention = new() { Heads = 8, SlidingWindow = 16 },
        };
        ModelOptions[] models =
        [
            plain with
            {
                Family = ModelFamily.Qwen2,
                FullAttentionLayers = [0],
                Attention = plain.Attention with { ProjectionBias = true },
            },
            plain with
            {
                Family = ModelFamily.Qwen3Moe,
                Experts = new() { DenseLayers = [1] },
                Attention = plain.Attention with { QueryKeyNorm = true },
            },
            plain with
            {
                FullAttentionLayers = [1],
                VirtualHeads = [new() { KeyComponents = 2, ValueGrain = ValueGrain.Dense, ValueRank = 8 }, null],
            },
        ];
        var path = _folder.File("config.json");
        foreach (var model in models)
            Damage.Of(ModelConfig.Write(model, "float32", new TextTokens(1, [2, 3])), text =>
            {
                File.WriteAllText(path, text);
                _ = TextTokens.Of(_folder.Path);
                _ = ModelCost.Of(ModelConfig.Read(path));
            });
    }

    [Fact]
    public void States_of_checkpoints()
    {
        TinyRun.Trainer(TinyRun.Change(t => t with { Steps = 4 }), new RunOptions { Folder = _folder.Path }).Run();
        var checkpoint = _folder.File("checkpoints/step-00000004");
        var state = Path.Combine(checkpoint, CheckpointState.FileName);
        // Without its checksum too, by which most damage is found.
        foreach (var whole in new[] { File.ReadAllText(state), SealedJsonTests.Unsealed(File.ReadAllText(state)) })
            Damage.Of(whole, text =>
            {
                File.WriteAllText(state, text);
                _ = CheckpointState.Read(checkpoint).ToJson();
            });
    }

    [Fact]
    public void Tasks()
    {
        Damage.Of(TaskWorkbench.Choice().ToJsonString(), text => TaskFile.Parse(text, "own.json"));
        Damage.Of(TaskWorkbench.Generation().ToJsonString(), text => TaskFile.Parse(text, "own.json"));
    }

    [Fact]
    public void Rows_of_tasks()
    {
        const string row =
            """{ "question": "a\ud83d\ude00", "choices": ["b", { "text": "c" }], "answer": 1, "more": { "n": [1.5, null, true] } }""";
        var path = _folder.File("rows.json");
        void Read(string text, Func<string, IEnumerable<TaskRow>> read)
        {
            File.WriteAllText(path, text);
            foreach (var rows in read(path)) _ = rows;
        }
        Damage.Of($"[{row}, {row}]", text => Read(text, JsonRows.ReadDocument));
        Damage.Of(row, text => Read($"{text}\n{row}\n", JsonRows.ReadLines));
    }

    [Fact]
    public void Kept_responses()
    {
        var path = _folder.File("responses.jsonl");
        foreach (var line in new[]
        {
            """{"key": "0000000000000000000000000000000a", "logLikelihood": -1.5, "greedy": true}""",
            """{"key": "0b", "text": "answer"}""",
        })
            Damage.Of(line, text =>
            {
                File.WriteAllText(path, text + "\n");
                new ResponseCache(path).Dispose();
            });
    }

    [Fact]
    public void Profiles()
    {
        var path = _folder.File("profile.json");
        ProfiledPiece[] pieces = [new(CompressionMethod.Fine, 1, 8, 0.5),
            new(CompressionMethod.Svd, 2, 16, double.NaN)];
        new Profile
        {
            Source = new("weights", "text"),
            Groups = 4,
            HeadDim = 8,
            LayerCount = 1,
            BaseLoss = 2,
            Layers = [new(0, pieces, pieces)],
        }.Save(path);
        Damage.Of(File.ReadAllText(path), text =>
        {
            File.WriteAllText(path, text);
            _ = Profile.Load(path);
        });
    }

    [Fact]
    public void Indices_and_headers_of_weights()
    {
        var path = _folder.File(ShardIndex.FileName);
        Damage.Of(ShardIndex.Text(
            [new("a", "model-00001-of-00002.safetensors"), new("b", "model-00002-of-00002.safetensors")], 2, 8), text =>
        {
            File.WriteAllText(path, text);
            _ = ShardIndex.Read(path);
        });
        var file = _folder.File("a.safetensors");
        Damage.Of("""{"__metadata__": {"made": "here"}, "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}""",
            text =>
        {
            var header = Encoding.UTF8.GetBytes(text);
            File.WriteAllBytes(file, [.. BitConverter.GetBytes((ulong)header.Length), .. header, 0, 0, 0, 0]);
            SafetensorsReader.Open(file).Dispose();
        });
    }

    [Fact]
    public void Logs()
    {
        var path = _folder.File("log.jsonl");
        Damage.Of(
            """{"step": 1, "tokens": 32, "loss": 2.5, "learningRate": 0.001, "gradientNorm": "Infinity", "tokensPerSecond": 10, "time": "2026-01-01T00:00:00+00:00"}""",
            text =>
        {
            File.WriteAllText(path, $"{text}\n{{}}\n");
            _ = JsonLinesLog.Read(path);
        });
    }
}
