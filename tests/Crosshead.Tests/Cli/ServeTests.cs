using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Tests.Kernels;
using Crosshead.TextModels;

namespace Crosshead.Tests.Cli;

public sealed partial class ServeTests
{
    [Fact]
    public async Task A_served_model_writes_what_it_writes_without_a_server()
    {
        var folder = SharedData.Path("data", "models", "stories260K");
        using StringWriter output = new(), error = new();
        using var stop = new CancellationTokenSource();
        var streams = new StandardStreams(TextWriter.Synchronized(output), TextWriter.Synchronized(error));
        var run = Task.Run(() => CliRun.CommandLine.Run(
            ["serve", folder, "--port", "0", "--json", "--max-context", "200", "--served-name", "stories", "--device",
                "cpu"], streams, stop.Token));
        using var client = new HttpClient { BaseAddress = await AddressAsync(error, run) };
        while (!(await client.GetAsync("health")).IsSuccessStatusCode) await Task.Delay(20);
        using var response = await client.PostAsJsonAsync("v1/completions",
            new { model = "stories", prompt = "Once upon a time", max_tokens = 30, temperature = 0 });
        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        await stop.CancelAsync();
        Assert.Equal(ExitCode.Done, await run);

        using var model = TextModel.Load(folder);
        var alone = model.Generate("Once upon a time", new() { MaxTokens = 30, Sampling = new() { Temperature = 0 } });
        Assert.Equal(alone.Text, (string)answer["choices"]![0]!["text"]!);
        var shown = JsonNode.Parse(output.ToString())!;
        Assert.Equal(("stories", 200, $"{client.BaseAddress}v1"),
            ((string)shown["model"]!, (int)shown["context"]!, (string)shown["url"]!));
        Assert.Contains("POST /v1/completions 200 ", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signal_stops_the_server_which_is_no_failure()
    {
        var start = ProgramTests.Start(AppContext.BaseDirectory,
            ["serve", SharedData.Path("data", "models", "stories260K"), "--port", "0", "--device", "cpu"]);
        using var process = Process.Start(start)!;
        Assert.StartsWith("listening at",
            await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken));
        ProgramTests.Signal(process, "TERM");
        var told = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, process.ExitCode);
        Assert.Contains("stopping the server; once more to stop at once.\n", told, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cache_without_room_for_a_page_is_refused_before_anything_listens()
    {
        using StringWriter output = new(), error = new();
        Assert.Equal(ExitCode.BadInput, CliRun.CommandLine.Run(
            ["serve", SharedData.Path("data", "models", "stories260K"), "--port", "0", "--cache-memory", "1KiB"],
            new StandardStreams(output, error), TestContext.Current.CancellationToken));
        Assert.Equal("the cache may have 1.00 KiB, and a page of 64 tokens takes 80.0 KiB; give it more memory "
            + "(--cache-memory).", error.ToString().Trim());
    }

    [Theory]
    [InlineData("a context of 513 tokens (--max-context) is asked for, and \"@\" has one of 512; ask for at most that.",
        "--max-context", "513")]
    [InlineData("a context of 512 tokens (--max-context) takes 640 KiB of cache, which may have 300 KiB; ask for at "
        + "most 192, or give it more memory (--cache-memory).", "--max-context", "512", "--cache-memory", "300KiB")]
    [InlineData("cannot listen at 203.0.113.1:*; choose another address or port.", "--host", "203.0.113.1")]
    public void What_cannot_be_is_refused_in_one_line(string line, params string[] options)
    {
        using StringWriter output = new(), error = new();
        var folder = SharedData.Path("data", "models", "stories260K");
        Assert.Equal(ExitCode.BadInput, CliRun.CommandLine.Run(["serve", folder, "--device", "cpu", .. options],
            new StandardStreams(output, error), TestContext.Current.CancellationToken));
        Assert.Matches($"^{Regex.Escape(line).Replace("@", folder).Replace(@"\*", ".*")}$", error.ToString().Trim());
    }

    [Fact]
    public void A_cache_larger_than_the_memory_is_refused_before_anything_listens()
    {
        using StringWriter output = new(), error = new();
        Assert.Equal(ExitCode.BadInput, CliRun.CommandLine.Run(
            ["serve", SharedData.Path("data", "models", "stories260K"), "--port", "0", "--device", "cpu",
                "--cache-memory", "999TiB"],
            new StandardStreams(output, error), TestContext.Current.CancellationToken));
        Assert.Matches(@"^the cache may have 999 TiB, and this process can have \S+ GiB of memory at most; give it "
            + @"less \(--cache-memory\)\.$", error.ToString().Trim());
    }

    [Fact]
    public void The_type_of_the_cache_counts_for_its_memory()
    {
        CpuKernels.Require();
        using StringWriter output = new(), error = new();
        Assert.Equal(ExitCode.BadInput, CliRun.CommandLine.Run(
            ["serve", SharedData.Path("data", "models", "stories260K"), "--port", "0", "--cache-memory", "1KiB",
                "--cache-type", "int8"],
            new StandardStreams(output, error), TestContext.Current.CancellationToken));
        // 5 layers, 4 heads of 8: a byte a number, and 2 bytes for the scale of a row
        Assert.Equal("the cache may have 1.00 KiB, and a page of 64 tokens takes 25.0 KiB; give it more memory "
            + "(--cache-memory).", error.ToString().Trim());
    }

    [Fact]
    public void A_field_of_thoughts_that_no_client_knows_is_refused() => Assert.Equal(
        "--reasoning-field \"thoughts\" is unknown; known: both, reasoning, reasoning_content.",
        CliRun.Of("serve", "nowhere", "--reasoning-field", "thoughts").Refusal());

    [Theory]
    [InlineData("1", 1L)]
    [InlineData("8GiB", 8L << 30)]
    [InlineData("8gb", 8L << 30)]
    [InlineData("1.5M", 3L << 19)]
    [InlineData("512 KiB", 512L << 10)]
    [InlineData("0", null)]
    [InlineData("", null)]
    [InlineData("-1G", null)]
    [InlineData("8 apples", null)]
    [InlineData("1.2.3G", null)]
    [InlineData("99999999T", null)]
    public void Sizes_are_numbers_of_bytes(string text, long? bytes) => Assert.Equal(bytes, SizeOption.Read(text));

    private static async Task<Uri> AddressAsync(StringWriter error, Task<int> run)
    {
        for (; ; )
        {
            if (Listening().Match(error.ToString()) is { Success: true } found)
                return new Uri(found.Groups["url"].Value);
            Assert.False(run.IsCompleted, error.ToString());
            await Task.Delay(20);
        }
    }

    [GeneratedRegex("listening at (?<url>http://[^;]*/);", RegexOptions.ExplicitCapture)]
    private static partial Regex Listening();
}
