using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Tests.Compression;

namespace Crosshead.Tests.Cli;

public sealed class ExportTransformersTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public ExportTransformersTests()
    {
        using var model = SmallModels.Create("compressed by heads", type: TorchSharp.torch.ScalarType.Float32);
        ModelDirectory.Save(_folder.File("model"), model);
        File.WriteAllText(_folder.File("model/generation_config.json"), "{\"eos_token_id\": 2}");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_composed_model_is_written_as_it_is_with_its_code_and_card()
    {
        var run = Export("--transformers", _folder.File("hf"), "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(_folder.File("hf"), (string)run.Json["transformers"]!);
        Assert.Equal("crosshead", (string)run.Json["modelType"]!);
        Assert.Equal((long)run.Json["cacheBytesPerTokenBefore"]!, (long)run.Json["cacheBytesPerTokenAfter"]!);
        Assert.Equal(["README.md", "config.json", "configuration_crosshead.py", "generation_config.json",
            "model.safetensors", "modeling_crosshead.py"],
            Directory.GetFiles(_folder.File("hf")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(WeightsHash.Of(_folder.File("model")), WeightsHash.Of(_folder.File("hf")));
        var card = File.ReadAllText(_folder.File("hf/README.md"));
        Assert.Contains("from_pretrained(\"hf\", trust_remote_code=True)", card);
        Assert.Contains($"crosshead export {_folder.File("model")} --transformers {_folder.File("hf")} --json", card);

        Assert.Contains("--transformers \"", Export("--transformers", _folder.File("hf")).Refusal());
        var again = Export("--transformers", _folder.File("hf"), "--overwrite");
        Assert.Contains("Load it with AutoModelForCausalLM.from_pretrained(", again.Out);
    }

    [Fact]
    public void Both_forms_are_written_at_once()
    {
        var run = Export("--transformers", _folder.File("hf"), "--out", _folder.File("plain"), "--json");
        Assert.Equal("llama", (string)run.Json["modelType"]!);
        Assert.True((long)run.Json["cacheBytesPerTokenBefore"]! < (long)run.Json["cacheBytesPerTokenAfter"]!);
        string TypeOf(string folder) =>
            (string)JsonNode.Parse(File.ReadAllText(_folder.File($"{folder}/config.json")))!["model_type"]!;
        Assert.Equal(("crosshead", "llama"), (TypeOf("hf"), TypeOf("plain")));
        Assert.Contains("its composed heads merged", File.ReadAllText(_folder.File("plain/README.md")));
        // A plain model needs no code.
        Assert.Equal(0, CliRun.Of("export", _folder.File("plain"), "--transformers", _folder.File("as-is")).ExitCode);
        Assert.Empty(Directory.GetFiles(_folder.File("as-is"), "*.py"));
    }

    [Fact]
    public void A_norm_on_heads_outputs_is_for_transformers_only()
    {
        using (var model = SmallModels.Create("groupnorm", type: TorchSharp.torch.ScalarType.Float32))
            ModelDirectory.Save(_folder.File("norm"), model);
        Assert.Contains("cannot",
            CliRun.Of("export", _folder.File("norm"), "--out", _folder.File("plain")).Refusal());
        Assert.Equal(0, CliRun.Of("export", _folder.File("norm"), "--transformers", _folder.File("hf")).ExitCode);
        Assert.Equal(0, CliRun.Of("info", _folder.File("hf")).ExitCode);
    }

    private CliRun Export(params string[] arguments) => CliRun.Of(["export", _folder.File("model"), .. arguments]);
}
