using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Model;

namespace Crosshead.Tests.Cli;

public sealed class ExportGgufTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public ExportGgufTests()
    {
        using var model = new LanguageModel(new ModelOptions
        {
            VocabularySize = 30,
            HiddenSize = 16,
            Layers = 2,
            Context = 12,
            Attention = new() { Variant = Crosshead.Attention.AttentionVariant.MeaNoNorm, Heads = 4 },
        });
        model.Initialize(1);
        ModelDirectory.Save(_folder.File("model"), model);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_composed_model_is_written_as_a_plain_one()
    {
        var run = Export("--gguf", _folder.File("x.gguf"), "--out", _folder.File("plain"), "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(_folder.File("x.gguf"), (string)run.Json["gguf"]!);
        using var plain = ModelDirectory.Load(_folder.File("plain"));
        using var file = GgufReader.Open(_folder.File("x.gguf"));
        Assert.Equal("model", file.Metadata.Text("general.name"));
        Assert.Equal(plain.Parameters.Count, file.Tensors.Count);
        var values = new float[16 * 16];
        file.Read("blk.1.attn_v.weight", 0, values);
        var expected = plain.Parameters.Single(p => p.Name == "model.layers.1.self_attn.v_proj.weight").Value;
        Assert.Equal(expected.data<float>().ToArray(), values);
    }

    [Fact]
    public void The_file_alone_is_written_in_the_asked_type_and_replaced_only_on_request()
    {
        Assert.Equal(0, Export("--gguf", _folder.File("x.gguf"), "--type", "bf16").ExitCode);
        using (var file = GgufReader.Open(_folder.File("x.gguf")))
            Assert.Equal("BF16", file.Tensors["token_embd.weight"].Type.Name);
        Assert.Contains("exists already", Export("--gguf", _folder.File("x.gguf")).Refusal());
        Assert.Equal(0, Export("--gguf", _folder.File("x.gguf"), "--overwrite").ExitCode);
        using var replaced = GgufReader.Open(_folder.File("x.gguf"));
        Assert.Equal("F32", replaced.Tensors["token_embd.weight"].Type.Name);
    }

    [Fact]
    public void Wrong_requests_are_refused()
    {
        Assert.Contains("name a folder with --out, a file with --gguf, a folder with --transformers",
            Export().Refusal());
        Assert.Contains("--type f16 is for GGUF files; name one with --gguf",
            Export("--out", _folder.File("plain"), "--type", "f16").Refusal());
        Assert.Equal("--max-shard-size splits the weights of folders, and a GGUF file stays one; name a folder with "
            + "--out or --transformers, or leave it out.",
            Export("--gguf", _folder.File("x.gguf"), "--max-shard-size", "1KB").Refusal());
        Assert.Equal("--type \"q4\" is unknown; did you mean \"q4_1\"? known: f32, f16, bf16, q8_0, q6_k, q5_k_m, "
            + "q5_k_s, q5_1, q5_0, q4_k_m, q4_k_s, q4_1, q4_0.",
            Export("--gguf", _folder.File("x.gguf"), "--type", "q4").Refusal());
        Assert.Equal([_folder.File("model")], Directory.GetFileSystemEntries(_folder.Path));
    }

    private CliRun Export(params string[] arguments) => CliRun.Of(["export", _folder.File("model"), .. arguments]);
}
