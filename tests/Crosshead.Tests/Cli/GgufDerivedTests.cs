using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Server.Loading;
using Crosshead.Tests.Checkpoints.Gguf;
using Crosshead.TextModels;
using static TorchSharp.torch;

namespace Crosshead.Tests.Cli;

/// <summary>What commands make of a GGUF file is what they make of its directory.</summary>
public sealed class GgufDerivedTests : GgufCommands
{
    [Fact]
    public void It_is_compressed_to_a_model_directory()
    {
        var made = Done("compress", Gguf, "--calibrate", Text, "--windows", "8", "--rounds", "0", "--cache", "50%",
            "--out", Folder.File("half"), "--json").Json;
        Assert.Equal((long)made["cacheBytesPerTokenBefore"]!, 2 * (long)made["cacheBytesPerTokenAfter"]!);
        var said = CliRun.With("word1", default, "chat", Folder.File("half"), "--max-tokens", "4");
        Assert.True(said.ExitCode == 0, said.Error);
        using var half = SafetensorsReader.Open(Path.Combine(Folder.File("half"), "model.safetensors"));
        Assert.Equal(ModelDescription.Of(Gguf).WeightsHash, half.Metadata["crosshead_compressed_from"]);
        Assert.Equal(ModelSource.Open(Gguf).EndTokens, ModelSource.Open(Folder.File("half")).EndTokens);
    }

    [Fact]
    public void A_quantised_file_stays_quantised_when_it_is_compressed_and_its_directory_is_a_model_to_every_command()
    {
        var (half, text, quantized) = (Folder.File("half"), Text, Folder.File("q8.gguf"));
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
            "--key-components", "1", "--out", Folder.File("less"), "--json").Json;
        Assert.Equal((double)made["heldOutLossAfter"]!, (double)again["heldOutLossBefore"]!);
        Assert.True(File.Exists(Path.Combine(Folder.File("less"), "model.gguf")));

        Done("export", half, "--out", Folder.File("plain"), "--gguf", Folder.File("plain.gguf"));
        using (GgufReader before = GgufReader.Open(quantized), after = GgufReader.Open(Folder.File("plain.gguf")))
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
            $"{Done(["generate", Folder.File("plain.gguf"), .. generate]).Json["ids"]}");
        Done(["generate", Folder.File("plain"), .. generate]);
        using (var served = LoadedModel.Load(ModelSource.Open(half), new LoadOptions { MaxSequences = 2 }))
            Assert.Equal(["half"], served.Served.Names);

        // Training makes new numbers, which are stored as they are.
        Done("data", "generate", half, "--tokens", "100", "--out", Folder.File("data"));
        var recipe = Folder.Write("recipe.json", $$"""
            {
              "data": { "folder": "{{Folder.File("data")}}", "context": 16 },
              "training": { "batch": 1, "steps": 1, "learningRate": 1e-3, "device": "cpu",
                "schedule": { "warmupSteps": 0 } }
            }
            """);
        Done("train", recipe, "--from", half, "--teacher", quantized, "--out", Folder.File("run"));
        Assert.Equal(ModelDescription.Of(half).Options.VirtualHeads!,
            ModelDescription.Of(Folder.File("run")).Options.VirtualHeads!);
    }

    [Fact]
    public void It_is_exported_to_a_directory_and_to_another_file()
    {
        Done("export", Gguf, "--out", Folder.File("plain"), "--gguf", Folder.File("again.gguf"));
        GgufModels.RequireEqual(Model, Folder.File("plain"), ScalarType.Float32);
        Assert.Equal(File.ReadAllBytes(Gguf).Length, File.ReadAllBytes(Folder.File("again.gguf")).Length);
        string[] generate = ["--prompt", "word1", "--temperature", "0", "--max-tokens", "6"];
        foreach (var made in new[] { "plain", "again.gguf" })
            Assert.Equal(Done(["generate", Model, .. generate]).Out,
                Done(["generate", Folder.File(made), .. generate]).Out);
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
        Done("data", "generate", Gguf, "--tokens", "100", "--out", Folder.File("data"));
        var recipe = Folder.Write("more.json", $$"""
            {
              "data": { "folder": "{{Folder.File("data")}}" },
              "training": { "batch": 1, "steps": 1, "learningRate": 1e-3, "device": "cpu",
                "schedule": { "warmupSteps": 0 } }
            }
            """);
        Done("train", recipe, "--from", Gguf, "--out", Folder.File("run"), "--set", "data.context=16");
        Assert.Equal(ModelDescription.Of(Gguf).Options.FeedForward,
            ModelDescription.Of(Folder.File("run")).Options.FeedForward);
        Assert.Equal(ModelDescription.Of(Gguf).Options, ModelDescription.ShapeOf(Gguf)); // what bench --config takes
    }

    [Fact]
    public void The_makers_sampling_and_end_tokens_count()
    {
        var edit = new GgufEdit(Gguf).Number("general.sampling.temp", 0.7).Count("general.sampling.top_k", 20)
            .Number("general.sampling.top_p", 0.9).Number("general.sampling.min_p", 0.05)
            .Number("general.sampling.penalty_repeat", 1.1).Count("tokenizer.ggml.eot_token_id", 7);
        var source = ModelSource.Open(edit.Write(Folder.File("sampled.gguf")));
        Assert.Equal((0.7, 20, 0.9, 0.05, 1.1), (source.Description.Sampling.Temperature,
            source.Description.Sampling.TopK, source.Description.Sampling.TopP, source.Description.Sampling.MinP,
            source.Description.Sampling.RepetitionPenalty));
        Assert.Equal([0, 7], source.EndTokens);
        Done("export", Folder.File("sampled.gguf"), "--out", Folder.File("plain"));
        var plain = ModelSource.Open(Folder.File("plain"));
        Assert.Equal(source.Description.Sampling, plain.Description.Sampling);
        Assert.Equal(source.EndTokens, plain.EndTokens);
        Assert.Equal(plain.Description.Tokens.Ends, source.Description.Tokens.Ends);
    }
}
