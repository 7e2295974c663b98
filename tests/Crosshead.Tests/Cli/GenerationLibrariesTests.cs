using System.Diagnostics;
using Crosshead.Checkpoints;
using Crosshead.Model;
using Crosshead.Tests.Checkpoints.Gguf;
using Crosshead.Tests.Kernels;
using Crosshead.Tests.TextModels;

namespace Crosshead.Tests.Cli;

/// <summary>Libraries take memory beside the file: text is generated without those that it does not need.</summary>
public sealed class GenerationLibrariesTests
{
    [Fact]
    public async Task A_file_is_generated_from_without_regular_expressions_and_sockets()
    {
        CpuKernels.Require();
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the maps of a process are Linux'");
        var cancellation = TestContext.Current.CancellationToken;
        using var folder = new TemporaryFolder();
        var file = Model(folder);
        // It waits for a second prompt.
        var start = ProgramTests.Start(AppContext.BaseDirectory,
            ["generate", file, "--prompts", "-", "--max-tokens", "8", "--device", "cpu"]);
        start.RedirectStandardInput = true;
        using var process = Process.Start(start)!;
        try
        {
            var error = process.StandardError.ReadToEndAsync(cancellation);
            await process.StandardInput.WriteLineAsync("""{"prompt": "word1"}""".AsMemory(), cancellation);
            await process.StandardInput.FlushAsync(cancellation);
            Assert.Contains("\"text\"", await process.StandardOutput.ReadLineAsync(cancellation) ?? await error);
            var maps = await File.ReadAllTextAsync($"/proc/{process.Id}/maps", cancellation);
            Assert.Contains("Crosshead.dll", maps);
            Assert.DoesNotContain("System.Text.RegularExpressions.dll", maps);
            Assert.DoesNotContain("System.Net.Sockets.dll", maps);
            Assert.DoesNotContain("libtorch", maps);
        }
        finally
        {
            process.Kill();
        }
    }

    private static string Model(TemporaryFolder folder)
    {
        var (source, file) = (folder.File("source"), folder.File("model.gguf"));
        using var model = new LanguageModel(GgufModels.All["llama 3"] with { VocabularySize = 288 });
        model.Initialize(3);
        ModelDirectory.Save(source, model);
        SmallTextModel.Tokenizer.Save(source);
        var run = CliRun.Of("quantize", source, "--type", "q8_0", "--out", file);
        Assert.True(run.ExitCode == 0, run.Error);
        return file;
    }
}
