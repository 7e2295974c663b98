using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Tests.Checkpoints.Gguf;
using Crosshead.TextModels.Verification;
using static TorchSharp.torch;

namespace Crosshead.Tests.Cli;

/// <summary>A GGUF file is a model to every command, and does what its directory does.</summary>
public sealed class GgufCommandTests : GgufCommands
{
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
            Done("data", "prepare", Text, "--tokenizer", tokenizer, "--out", Folder.File(data));
        Assert.Equal(Shards("a"), Shards("b"));
        Assert.Contains("no.gguf", CliRun.Of("tokenizer", "encode", text, "--tokenizer", Folder.File("no.gguf"))
            .Refusal());

        byte[][] Shards(string data) => [.. Directory.GetFiles(Folder.File(data), "*.bin", SearchOption.AllDirectories)
            .Order().Select(File.ReadAllBytes)];
    }

    [Fact]
    public void Measures_are_the_same()
    {
        var (folder, file) = Both("perplexity", "--text", Text, "--max-bytes", "500", "--json");
        Assert.Equal((double)folder["logLikelihood"]!, (double)file["logLikelihood"]!);

        Directory.CreateDirectory(Folder.File("rows/arc_easy"));
        Folder.Write("rows/arc_easy/test.jsonl", """
            {"id":"a","question":"word1","choices":{"text":["word3","word4 word5"],"label":["A","B"]},"answerKey":"B"}

            """);
        (folder, file) = Both("eval", "--tasks", "arc_easy", "--num-fewshot", "0", "--data", Folder.File("rows"),
            "--no-cache", "--json");
        Assert.Equal((double)folder["results"]![0]!["meanGoldLogLikelihood"]!,
            (double)file["results"]![0]!["meanGoldLogLikelihood"]!);

        var text = Text;
        var profiles = new[] { Model, Gguf }.Select((model, i) => (double)Done("profile", model, "--text", text,
            "--windows", "4", "--out", Folder.File($"p{i}.json"), "--json").Json["baseLoss"]!).ToArray();
        Assert.Equal(profiles[0], profiles[1]);
    }

    [Fact]
    public void Info_tells_the_types_of_the_tensors()
    {
        Done("export", Model, "--gguf", Folder.File("half.gguf"), "--type", "f16");
        var json = Done("info", Folder.File("half.gguf"), "--json").Json;
        using var file = GgufReader.Open(Folder.File("half.gguf"));
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
        Assert.Matches(@"float16 *\| *\d+ \| *[\d.]+ KiB \| *16.00", Done("info", Folder.File("half.gguf")).Out);
        Assert.Matches(@"float32 *\| *\d+ \| *[\d.]+ KiB \| *32.00", Done("info", Model).Out);
    }

    [Fact]
    public void Stored_results_beside_it_are_verified()
    {
        using (var model = ModelDirectory.LoadFrozen(Model, ScalarType.Float32))
        {
            var tokens = arange(20, ScalarType.Int64).reshape(1, 20);
            SafetensorsWriter.Write(Folder.File(ExpectedOutputs.FileName), new Dictionary<string, Tensor>
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
        var bad = new GgufEdit(Gguf).Text("general.architecture", "qwen4").Write(Folder.File("bad.gguf"));
        CliRun Run(string model) => CliRun.Of([.. line.Split(' ').Select(word => word == "@" ? model
            : word.StartsWith('@') ? Folder.File(word[1..]) : word)]);
        Assert.Contains($"\"{bad}\" cannot be loaded: the architecture \"qwen4\" is not supported; did you mean \"qwen",
            Run(bad).Refusal());
        Assert.Contains($"\"{Folder.File("none.gguf")}\" does not exist", Run(Folder.File("none.gguf")).Refusal());
        File.WriteAllBytes(Folder.File("short.gguf"), File.ReadAllBytes(Gguf)[..3000]);
        Assert.Contains($"\"{Folder.File("short.gguf")}\" cannot be read", Run(Folder.File("short.gguf")).Refusal());
    }

    [Fact]
    public void A_file_is_known_by_its_first_bytes_too_and_a_folder_of_files_is_told()
    {
        File.Copy(Gguf, Folder.File("blob"));
        Assert.Equal(Done("info", Gguf).Out, Done("info", Folder.File("blob")).Out);
        Directory.CreateDirectory(Folder.File("files"));
        File.Move(Gguf, Folder.File("files/a.gguf"));
        Assert.Contains($"\"{Folder.File("files/a.gguf")}\" is a GGUF file; name that one",
            CliRun.Of("info", Folder.File("files")).Refusal());
    }
}
