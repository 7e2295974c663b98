using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Checkpoints;
using Crosshead.Model;
using Crosshead.Tests.Checkpoints.Gguf;
using Crosshead.Tests.Kernels;
using Crosshead.Tests.TextModels;

namespace Crosshead.Tests.Cli;

/// <summary>On the CPU text is generated without libtorch: it takes memory, and time before the first token.</summary>
public sealed class WithoutLibTorchTests : IDisposable
{
    private static readonly Dictionary<string, ModelOptions> s_models = new()
    {
        ["llama 3"] = Plain("llama 3"),
        ["experts"] = Plain("qwen3moe"),
        ["gemma2"] = Plain("gemma2"),
        ["half the cache"] = Composed(new()
        {
            Variant = AttentionVariant.MeaNoNorm,
            KeyGrain = KeyGrain.Frequency,
            KeyComponents = 2,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 32,
        }),
        ["heads of components"] = Composed(new()
        {
            Variant = AttentionVariant.Mea,
            KeyComponents = 2,
            ValueComponents = 2,
        }),
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Texts_are_generated_where_libtorch_is_not_installed()
    {
        CpuKernels.Require();
        var program = Directory.CreateDirectory(_folder.File("program")).FullName;
        ProgramTests.CopyProgram(program, leaveOut: "");
        string[] line = ["--prompt", "word1", "--max-tokens", "8", "--temperature", "0", "--json"];
        foreach (var model in Models())
        {
            var (exitCode, output, error) = ProgramTests.Run(program, ["generate", model, .. line]);
            Assert.True(exitCode == 0, $"{model}: {error}");
            var known = CliRun.Of(["generate", model, "--device", "cpu", .. line]).Json;
            Assert.Equal($"{known["ids"]}", $"{JsonNode.Parse(output)!["ids"]}");
        }
        // What computes with tensors says that it cannot.
        var (refused, _, said) = ProgramTests.Run(program,
            ["generate", _folder.File("llama 3"), "--dtype", "float64", .. line]);
        Assert.Equal(2, refused);
        Assert.Contains("libtorch_cpu.so was not found", said);
    }

    [Fact]
    public async Task A_server_answers_without_libtorch_where_it_is_installed()
    {
        CpuKernels.Require();
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the maps of a process are Linux'");
        var cancellation = TestContext.Current.CancellationToken;
        var model = Save("llama 3");
        using var process = Process.Start(ProgramTests.Start(AppContext.BaseDirectory,
            ["serve", model, "--port", "0", "--device", "cpu"]))!;
        try
        {
            string? line;
            const string said = "listening at ";
            do line = await process.StandardError.ReadLineAsync(cancellation);
            while (line?.Contains(said, StringComparison.Ordinal) == false);
            var rest = process.StandardError.ReadToEndAsync(cancellation);
            Assert.NotNull(line);
            var address = line[(line.IndexOf(said, StringComparison.Ordinal) + said.Length)..].Split(';')[0];
            using var client = new HttpClient { BaseAddress = new Uri(address) };
            while (!(await client.GetAsync("health", cancellation)).IsSuccessStatusCode)
                await Task.Delay(20, cancellation);
            using var response = await client.PostAsJsonAsync("v1/completions",
                new { prompt = "word1", max_tokens = 8, temperature = 0.5, top_p = 0.9 }, cancellation);
            Assert.True(response.IsSuccessStatusCode);
            var maps = await File.ReadAllTextAsync($"/proc/{process.Id}/maps", cancellation);
            Assert.Contains("libcoreclr.so", maps);
            Assert.DoesNotContain("libtorch", maps);
            Assert.DoesNotContain("libc10", maps);
        }
        finally
        {
            process.Kill();
        }
    }

    // Folders and files, whole and quantised.
    private IEnumerable<string> Models()
    {
        foreach (var (name, options) in s_models)
        {
            var (model, composed) = (Save(name), options.Attention.Variant != AttentionVariant.Gqa);
            yield return model;
            yield return Written(name + (composed ? " quantized" : ".gguf"), "quantize", model, "--type", "q8_0",
                "--out");
            if (!composed) yield return Written($"{name} plain.gguf", "export", model, "--gguf");
        }
    }

    private string Save(string name)
    {
        var folder = _folder.File(name);
        using var model = new LanguageModel(s_models[name]);
        model.Initialize(3);
        ModelDirectory.Save(folder, model);
        SmallTextModel.Tokenizer.Save(folder);
        return folder;
    }

    private string Written(string name, params string[] line)
    {
        var run = CliRun.Of([.. line, _folder.File(name)]);
        Assert.True(run.ExitCode == 0, run.Error);
        return _folder.File(name);
    }

    private static ModelOptions Plain(string name) =>
        GgufModels.All[name] with { VocabularySize = 288, InitializerRange = 0.3 };

    private static ModelOptions Composed(AttentionOptions attention) => Plain("llama") with
    {
        Attention = attention with { Heads = 4, KeyValueHeads = 4, HeadDim = 16 },
    };
}
