using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Model;
using Crosshead.Server.Loading;
using Crosshead.Tests.Checkpoints.Gguf;
using Crosshead.Tests.TextModels;
using Crosshead.TextModels;
using Crosshead.TextModels.Verification;
using static TorchSharp.torch;

namespace Crosshead.Tests.Cli;

/// <summary>A GGUF file is a model to every command, and does what its directory does.</summary>
public sealed class GgufCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public GgufCommandTests()
    {
        Directory.CreateDirectory(Model);
        using var model = new LanguageModel(new ModelOptions
        {
            VocabularySize = 280,
            HiddenSize = 32,
            Layers = 2,
            Context = 64,
            InitializerRange = 0.3,
            Attention = new() { Heads = 4, KeyValueHeads = 2 },
        });
        model.Initialize(3);
        ModelDirectory.Save(Model, model);
        SmallTextModel.Tokenizer.Save(Model);
        File.WriteAllText(Path.Combine(Model, "chat_template.jinja"),
            "{% for m in messages %}{{ m.role }} {{ m.content }}\n{% endfor %}");
        Done("export", Model, "--gguf", Gguf);
    }

    public void Dispose() => _folder.Dispose();

    private string Model => _folder.File("model");

    private string Gguf => _folder.File("model.gguf");

    private string Text => _folder.Write("text.txt", SmallTextModel.Text[..6000]);

    [Fact]
    public void Texts_are_the_same()
    {
        foreach (var type in new[] { "float32", "bfloat16" })
        {
            var (folder, file) = Both("generate", "--prompt", "word1", "--temperature", "0", "--max-tokens", "12",
                "--dtype", type, "--json");
            Assert.Equal(12, file["ids"]!.AsArray().Count);
            Assert.Equal($"{folder["ids"]} {folder["text"]}", $"{file["ids"]} {file["text"]}");
        }
        string[] chat = ["--temperature", "0", "--max-tokens", "5"];
        var said = CliRun.With("word1", default, ["chat", Gguf, .. chat]);
        Assert.Equal((0, CliRun.With("word1", default, ["chat", Model, .. chat]).Out), (said.ExitCode, said.Out));
        Assert.NotEqual("", said.Out);
    }

    [Fact]
    public void Its_tokenizer_is_one()
    {
        const string text = "word1 word2, and äß";
        var (folder, file) = (Done("tokenizer", "encode", text, "--tokenizer", Model, "--json").Json,
            Done("tokenizer", "encode", text, "--tokenizer", Gguf, "--json").Json);
        Assert.Equal($"{folder["ids"]}", $"{file["ids"]}");
        string[] ids = [.. file["ids"]!.AsArray().Select(id => $"{id}")];
        Assert.Equal(text, Done(["tokenizer", "decode", "--tokenizer", Gguf, .. ids]).Out);
        foreach (var (tokenizer, data) in new[] { (Model, "a"), (Gguf, "b") })
            Done("data", "prepare", Text, "--tokenizer", tokenizer, "--out", _folder.File(data));
        Assert.Equal(Shards("a"), Shards("b"));
        Assert.Contains("no.gguf", CliRun.Of("tokenizer", "encode", text, "--tokenizer", _folder.File("no.gguf"))
            .Refusal());

        byte[][] Shards(string data) => [.. Directory.GetFiles(_folder.File(data), "*.bin", SearchOption.AllDirectories)
            .Order().Select(File.ReadAllBytes)];
    }

    [Fact]
    public void Measures_are_the_same()
    {
        var (folder, file) = Both("perplexity", "--text", Text, "--max-bytes", "500", "--json");
        Assert.Equal((double)folder["logLikelihood"]!, (double)file["logLikelihood"]!);

        Directory.CreateDirectory(_folder.File("rows/arc_easy"));
        _folder.Write("rows/arc_easy/test.jsonl", """
            {"id":"a","question":"word1","choices":{"text":["word3","word4 word5"],"label":["A","B"]},"answerKey":"B"}

            """);
        (folder, file) = Both("eval", "--tasks", "arc_easy", "--num-fewshot", "0", "--data", _folder.File("rows"),
            "--no-cache", "--json");
        Assert.Equal((double)folder["results"]![0]!["meanGoldLogLikelihood"]!,
            (double)file["results"]![0]!["meanGoldLogLikelihood"]!);

        var text = Text;
        var profiles = new[] { Model, Gguf }.Select((model, i) => (double)Done("profile", model, "--text", text,
            "--windows", "4", "--out", _folder.File($"p{i}.json"), "--json").Json["baseLoss"]!).ToArray();
        Assert.Equal(profiles[0], profiles[1]);
    }

    [Fact]
    public void It_is_compressed_to_a_model_directory()
    {
        var made = Done("compress", Gguf, "--calibrate", Text, "--windows", "8", "--rounds", "0", "--cache", "50%",
            "--out", _folder.File("half"), "--json").Json;
        Assert.Equal((long)made["cacheBytesPerTokenBefore"]!, 2 * (long)made["cacheBytesPerTokenAfter"]!);
        var said = CliRun.With("word1", default, "chat", _folder.File("half"), "--max-tokens", "4");
        Assert.True(said.ExitCode == 0, said.Error);
        using var half = SafetensorsReader.Open(Path.Combine(_folder.File("half"), "model.safetensors"));
        Assert.Equal(ModelDescription.Of(Gguf).WeightsHash, half.Metadata["crosshead_compressed_from"]);
        Assert.Equal(ModelSource.Open(Gguf).EndTokens, ModelSource.Open(_folder.File("half")).EndTokens);
    }

    [Fact]
    public void A_quantised_file_stays_quantised_when_it_is_compressed_and_its_directory_is_a_model_to_every_command()
    {
        var (half, text, quantized) = (_folder.File("half"), Text, _folder.File("q8.gguf"));
        Done("quantize", Model, "--type", "q8_0", "--out", quantized);
        var made = Done("compress", quantized, "--calibrate", text, "--windows", "8", "--rounds", "1", "--cache", "50%",
            "--out", half, "--json").Json;
        Assert.Equal((long)made["cacheBytesPerTokenBefore"]!, 2 * (long)made["cacheBytesPerTokenAfter"]!);
        var info = Done("info", half, "--json").Json;
        Assert.Equal((long)made["weightBytesAfter"]!, (long)info["allTypes"]!["bytes"]!);
        Assert.Equal((long)made["cacheBytesPerTokenAfter"]!, (long)info["cacheBytesPerToken"]!);
        Assert.Equal("Q8_0", (string)info["quantization"]!);
        Assert.Equal(["config.json", "model.gguf"], Directory.GetFiles(half).Select(f => Path.GetFileName(f)!)
            .Where(name => name is "config.json" || name.StartsWith("model")).Order());

        // What it measured is what the directory measures.
        Done("perplexity", half, "--text", text, "--max-bytes", "300", "--against", Model);
        var again = Done("compress", half, "--method", "svd", "--layers", "0", "--calibrate", text, "--windows", "8",
            "--key-components", "1", "--out", _folder.File("less"), "--json").Json;
        Assert.Equal((double)made["heldOutLossAfter"]!, (double)again["heldOutLossBefore"]!);
        Assert.True(File.Exists(Path.Combine(_folder.File("less"), "model.gguf")));

        Done("export", half, "--out", _folder.File("plain"), "--gguf", _folder.File("plain.gguf"));
        using (GgufReader before = GgufReader.Open(quantized), after = GgufReader.Open(_folder.File("plain.gguf")))
            foreach (var tensor in before.Tensors.Values)
            {
                var (wanted, found) = (new byte[tensor.Bytes], after.Tensors[tensor.Name]);
                if (found.Type != tensor.Type)
                {
                    Assert.Matches(@"attn_[kv]\.weight", tensor.Name); // composed
                    Assert.Equal("BF16", found.Type.Name);
                    continue;
                }
                var kept = new byte[found.Bytes];
                before.ReadBytes(tensor.Name, 0, wanted);
                after.ReadBytes(tensor.Name, 0, kept);
                Assert.Equal(wanted, kept);
            }
        string[] generate = ["--prompt", "word1", "--temperature", "0", "--max-tokens", "4", "--json"];
        Assert.Equal(4, Done(["generate", half, .. generate]).Json["ids"]!.AsArray().Count);
        Assert.Equal($"{Done(["generate", half, .. generate]).Json["ids"]}",
            $"{Done(["generate", _folder.File("plain.gguf"), .. generate]).Json["ids"]}");
        Done(["generate", _folder.File("plain"), .. generate]);
        using (var served = LoadedModel.Load(ModelSource.Open(half), new LoadOptions { MaxSequences = 2 }))
            Assert.Equal(["half"], served.Served.Names);

        // Training makes new numbers, which are stored as they are.
        Done("data", "generate", half, "--tokens", "100", "--out", _folder.File("data"));
        var recipe = _folder.Write("recipe.json", $$"""
            {
              "data": { "folder": "{{_folder.File("data")}}", "context": 16 },
              "training": { "batch": 1, "steps": 1, "learningRate": 1e-3, "device": "cpu",
                "schedule": { "warmupSteps": 0 } }
            }
            """);
        Done("train", recipe, "--from", half, "--teacher", quantized, "--out", _folder.File("run"));
        Assert.Equal(ModelDescription.Of(half).Options.VirtualHeads!,
            ModelDescription.Of(_folder.File("run")).Options.VirtualHeads!);
    }

    [Fact]
    public void It_is_exported_to_a_directory_and_to_another_file()
    {
        Done("export", Gguf, "--out", _folder.File("plain"), "--gguf", _folder.File("again.gguf"));
        GgufModels.RequireEqual(Model, _folder.File("plain"), ScalarType.Float32);
        Assert.Equal(File.ReadAllBytes(Gguf).Length, File.ReadAllBytes(_folder.File("again.gguf")).Length);
        string[] generate = ["--prompt", "word1", "--temperature", "0", "--max-tokens", "6"];
        foreach (var made in new[] { "plain", "again.gguf" })
            Assert.Equal(Done(["generate", Model, .. generate]).Out,
                Done(["generate", _folder.File(made), .. generate]).Out);
    }

    [Fact]
    public void Info_tells_the_types_of_the_tensors()
    {
        Done("export", Model, "--gguf", _folder.File("half.gguf"), "--type", "f16");
        var json = Done("info", _folder.File("half.gguf"), "--json").Json;
        using var file = GgufReader.Open(_folder.File("half.gguf"));
        foreach (var (node, type) in json["types"]!.AsArray().Zip(["F16", "F32"]))
        {
            var tensors = file.Tensors.Values.Where(t => t.Type.Name == type).ToArray();
            Assert.Equal((tensors.Length, tensors.Sum(t => t.Bytes), tensors.Sum(t => t.Elements)),
                ((int)node!["tensors"]!, (long)node["bytes"]!, (long)node["weights"]!));
        }
        Assert.Equal(["float16", "float32"], json["types"]!.AsArray().Select(t => (string)t!["name"]!));
        Assert.Equal((16.0, 32.0), ((double)json["types"]![0]!["bitsPerWeight"]!,
            (double)json["types"]![1]!["bitsPerWeight"]!));
        Assert.Equal(file.Tensors.Values.Sum(t => t.Bytes), (long)json["allTypes"]!["bytes"]!);
        Assert.Equal("float16", (string?)json["dtype"]);
        Assert.Matches(@"float16 *\| *\d+ \| *[\d.]+ KiB \| *16.00", Done("info", _folder.File("half.gguf")).Out);
        Assert.Matches(@"float32 *\| *\d+ \| *[\d.]+ KiB \| *32.00", Done("info", Model).Out);
    }

    [Fact]
    public void Stored_results_beside_it_are_verified()
    {
        using (var model = ModelDirectory.LoadFrozen(Model, ScalarType.Float32))
        {
            var tokens = arange(20, ScalarType.Int64).reshape(1, 20);
            SafetensorsWriter.Write(_folder.File(ExpectedOutputs.FileName), new Dictionary<string, Tensor>
            {
                ["input_ids"] = tokens,
                ["logits"] = model.Logits(tokens),
            });
        }
        var found = Assert.Single(Done("verify", Gguf, "--json").Json["cases"]!.AsArray())!;
        Assert.Equal((Gguf, 0.0), ((string)found["path"]!, (double)found["maxAbsError"]!));
        new GgufEdit(Gguf).Bytes("blk.0.ffn_up.weight", b => b[3] ^= 0x80).Write(Gguf);
        Assert.Equal(1, CliRun.Of("verify", Gguf).ExitCode);
    }

    [Fact]
    public void It_is_served_and_writes_training_data()
    {
        using (var served = LoadedModel.Load(ModelSource.Open(Gguf), new LoadOptions { MaxSequences = 2 }))
        {
            Assert.Equal(["model"], served.Served.Names);
            Assert.NotNull(served.Served.ChatTemplate);
            Assert.Equal(ModelSource.Open(Model).Tokenizer.EosTokenId, served.Served.EndTokens[0]);
        }
        Done("data", "generate", Gguf, "--tokens", "100", "--out", _folder.File("data"));
        var recipe = _folder.Write("more.json", $$"""
            {
              "data": { "folder": "{{_folder.File("data")}}" },
              "training": { "batch": 1, "steps": 1, "learningRate": 1e-3, "device": "cpu",
                "schedule": { "warmupSteps": 0 } }
            }
            """);
        Done("train", recipe, "--from", Gguf, "--out", _folder.File("run"), "--set", "data.context=16");
        Assert.Equal(ModelDescription.Of(Gguf).Options.FeedForward,
            ModelDescription.Of(_folder.File("run")).Options.FeedForward);
        Assert.Equal(ModelDescription.Of(Gguf).Options, ModelDescription.ShapeOf(Gguf)); // what bench --config takes
    }

    [Fact]
    public void The_makers_sampling_and_end_tokens_count()
    {
        var edit = new GgufEdit(Gguf).Number("general.sampling.temp", 0.7).Count("general.sampling.top_k", 20)
            .Number("general.sampling.top_p", 0.9).Number("general.sampling.min_p", 0.05)
            .Number("general.sampling.penalty_repeat", 1.1).Count("tokenizer.ggml.eot_token_id", 7);
        var source = ModelSource.Open(edit.Write(_folder.File("sampled.gguf")));
        Assert.Equal((0.7, 20, 0.9, 0.05, 1.1), (source.Description.Sampling.Temperature,
            source.Description.Sampling.TopK, source.Description.Sampling.TopP, source.Description.Sampling.MinP,
            source.Description.Sampling.RepetitionPenalty));
        Assert.Equal([0, 7], source.EndTokens);
        Done("export", _folder.File("sampled.gguf"), "--out", _folder.File("plain"));
        var plain = ModelSource.Open(_folder.File("plain"));
        Assert.Equal(source.Description.Sampling, plain.Description.Sampling);
        Assert.Equal(source.EndTokens, plain.EndTokens);
        Assert.Equal(plain.Description.Tokens.Ends, source.Description.Tokens.Ends);
    }

    [Theory]
    [InlineData("info @")]
    [InlineData("generate @ --prompt x")]
    [InlineData("chat @")]
    [InlineData("serve @")]
    [InlineData("eval @ --tasks arc_easy --data @rows")]
    [InlineData("perplexity @ --text @text.txt")]
    [InlineData("profile @ --text @text.txt --out @p.json")]
    [InlineData("compress @ --method svd --out @half")]
    [InlineData("export @ --out @plain")]
    [InlineData("verify @")]
    [InlineData("data generate @ --tokens 10 --out @data")]
    [InlineData("bench decode --config @")]
    public void A_bad_file_is_refused_in_one_line_by_every_command(string line)
    {
        _ = Text;
        var bad = new GgufEdit(Gguf).Text("general.architecture", "qwen4").Write(_folder.File("bad.gguf"));
        CliRun Run(string model) => CliRun.Of([.. line.Split(' ').Select(word => word == "@" ? model
            : word.StartsWith('@') ? _folder.File(word[1..]) : word)]);
        Assert.Contains($"\"{bad}\" cannot be loaded: the architecture \"qwen4\" is not supported; did you mean \"qwen",
            Run(bad).Refusal());
        Assert.Contains($"\"{_folder.File("none.gguf")}\" does not exist", Run(_folder.File("none.gguf")).Refusal());
        File.WriteAllBytes(_folder.File("short.gguf"), File.ReadAllBytes(Gguf)[..3000]);
        Assert.Contains($"\"{_folder.File("short.gguf")}\" cannot be read", Run(_folder.File("short.gguf")).Refusal());
    }

    [Fact]
    public void A_file_is_known_by_its_first_bytes_too_and_a_folder_of_files_is_told()
    {
        File.Copy(Gguf, _folder.File("blob"));
        Assert.Equal(Done("info", Gguf).Out, Done("info", _folder.File("blob")).Out);
        Directory.CreateDirectory(_folder.File("files"));
        File.Move(Gguf, _folder.File("files/a.gguf"));
        Assert.Contains($"\"{_folder.File("files/a.gguf")}\" is a GGUF file; name that one",
            CliRun.Of("info", _folder.File("files")).Refusal());
    }

    private (JsonObject Folder, JsonObject File) Both(string command, params string[] arguments) =>
        (Done([command, Model, .. arguments]).Json, Done([command, Gguf, .. arguments]).Json);

    private static CliRun Done(params string[] arguments)
    {
        var run = CliRun.Of(arguments);
        Assert.True(run.ExitCode == 0, run.Error);
        return run;
    }
}
