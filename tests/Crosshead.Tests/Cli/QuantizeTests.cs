using Crosshead.Attention;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Cli;

public sealed class QuantizeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_folder_and_a_file_become_a_small_file_that_runs()
    {
        var source = SharedData.Path("data", "models", "stories260K");
        var (whole, small, other) = (_folder.File("f16.gguf"), _folder.File("q8.gguf"), _folder.File("q8b.gguf"));
        Assert.Equal(0, CliRun.Of(["quantize", source, "--type", "f16", "--out", whole]).ExitCode);
        var run = CliRun.Of(["quantize", source, "--type", "q8_0", "--out", small, "--json"]);
        Assert.Equal((0, "", "q8_0"), (run.ExitCode, run.Error, (string)run.Json["type"]!));
        Assert.InRange((double)run.Json["bitsPerWeight"]!, 8.5, 10.5);
        Assert.Contains("Written to", CliRun.Of(["quantize", whole, "--type", "q8_0", "--out", other]).Out);
        using (GgufReader a = GgufReader.Open(small), b = GgufReader.Open(other))
            Assert.Equal(a.Metadata.Texts("tokenizer.ggml.tokens"), b.Metadata.Texts("tokenizer.ggml.tokens"));
        string[] story = ["--prompt", "Once upon a time", "--max-tokens", "12", "--temperature", "0"];
        var text = CliRun.Of(["generate", source, .. story]).Out;
        Assert.Equal(text, CliRun.Of(["generate", small, .. story]).Out);
        Assert.Equal(text, CliRun.Of(["generate", other, .. story]).Out);
    }

    [Fact]
    public void Wrong_requests_are_refused_before_anything_is_written()
    {
        var (plain, composed) = (Saved("plain", AttentionVariant.Gqa), Saved("composed", AttentionVariant.MeaNoNorm));
        string[] Made(string model, string type, params string[] more) =>
            ["quantize", model, "--type", type, "--out", _folder.File("x.gguf"), .. more];
        Assert.Contains("\"q3_k_m\" is unknown; did you mean \"q5_k_m\"?", CliRun.Of(Made(plain, "q3_k_m")).Refusal());
        Assert.Contains($"crosshead export {composed} --gguf {_folder.File("x.gguf")} --type q4_0",
            CliRun.Of(Made(composed, "q4_0")).Refusal());
        Assert.Contains("does not exist", CliRun.Of(Made(_folder.File("none"), "q4_0")).Refusal());
        Assert.False(File.Exists(_folder.File("x.gguf")));
        Assert.Equal(0, CliRun.Of(Made(plain, "q4_0")).ExitCode);
        Assert.Contains("exists already", CliRun.Of(Made(plain, "q4_0")).Refusal());
        Assert.Equal(0, CliRun.Of(Made(plain, "q8_0", "--overwrite")).ExitCode);
        Assert.Contains("is the model itself",
            CliRun.Of(Made(_folder.File("x.gguf"), "q8_0", "--overwrite", "--allow-requantize")).Refusal());
        string[] again = ["quantize", _folder.File("x.gguf"), "--type", "q4_0", "--out", _folder.File("y.gguf")];
        Assert.Contains("or allow it with crosshead quantize --allow-requantize", CliRun.Of(again).Refusal());
        Assert.Contains("quantised already", CliRun.Of(
            ["export", _folder.File("x.gguf"), "--gguf", _folder.File("y.gguf"), "--type", "q4_0"]).Refusal());
        Assert.False(File.Exists(_folder.File("y.gguf")));
        Assert.Equal(0, CliRun.Of([.. again, "--allow-requantize"]).ExitCode);
    }

    [Fact]
    public void A_model_without_a_plain_form_is_told_in_which_form_it_can_be_written()
    {
        var (normed, place) = (Saved("normed", AttentionVariant.Mea), _folder.File("x.gguf"));
        Assert.EndsWith($"have a plain form: name a folder in place of the file \"{place}\".",
            CliRun.Of("quantize", normed, "--type", "q8_0", "--out", place).Refusal().Trim());
        Assert.EndsWith("have a plain form: write the model as it is with --transformers DIR.",
            CliRun.Of("export", normed, "--gguf", place).Refusal().Trim());
        Assert.Equal(0, CliRun.Of("quantize", normed, "--type", "q8_0", "--out", _folder.File("x")).ExitCode);
    }

    [Fact]
    public void A_folder_may_have_composed_heads_and_computes_with_its_numbers()
    {
        var (composed, made) = (Saved("composed", AttentionVariant.MeaNoNorm), _folder.File("made"));
        var run = CliRun.Of(["quantize", composed, "--type", "q4_k_m", "--out", made, "--json"]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(["config.json", "model.gguf"], Directory.GetFiles(made).Select(f => Path.GetFileName(f)).Order());
        Assert.Contains("exists already", CliRun.Of(["quantize", composed, "--type", "q8_0", "--out", made]).Refusal());
        var options = ModelDescription.Of(made).Options;
        Assert.Equal(AttentionVariant.MeaNoNorm, options.Attention.Variant);
        using (var before = ModelDirectory.Load(composed))
        using (var after = ModelDirectory.LoadFrozen(made, ScalarType.Float32))
            foreach (var (wanted, found) in before.Parameters.Zip(after.Parameters))
            {
                Assert.Equal(wanted.Name, found.Name);
                var format = found.Stored!.Format;
                var more = new[] { "lm_head", "v_proj", "down" }.Any(wanted.Name.Contains);
                Assert.Equal(wanted.Name.EndsWith("_mix") ? "BF16" : wanted.Shape.Count == 1 ? "F32"
                    : wanted.Shape[^1] % 32 != 0 ? "F16" : more ? "Q8_0" : "Q5_0", format.Name); // of few columns
                var columns = (int)wanted.Shape[^1];
                var bytes = new byte[format.RowBytes(columns)];
                format.Write(wanted.Value.data<float>().ToArray().AsSpan(0, columns), bytes);
                Assert.Equal(bytes, found.Stored.BytesOf(0).ToArray());
            }
        Assert.Contains("quantised already", CliRun.Of(
            ["quantize", made, "--type", "q4_0", "--out", _folder.File("again")]).Refusal());
        Assert.False(Directory.Exists(_folder.File("again")));
        Assert.Equal(0, CliRun.Of(["quantize", made, "--type", "bf16", "--out", _folder.File("dense")]).ExitCode);
        Assert.Null(ModelDescription.Of(_folder.File("dense")).Quantization);
    }

    private string Saved(string name, AttentionVariant variant)
    {
        using var model = new LanguageModel(new ModelOptions
        {
            VocabularySize = 32,
            HiddenSize = 64,
            Layers = 1,
            Context = 16,
            Attention = new() { Variant = variant, Heads = 4 },
        });
        model.Initialize(1);
        ModelDirectory.Save(_folder.File(name), model);
        return _folder.File(name);
    }
}
