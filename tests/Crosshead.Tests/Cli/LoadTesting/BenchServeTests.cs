using System.Text.Json.Nodes;
using Crosshead.Cli;
using Crosshead.Cli.Commands;
using Crosshead.Cli.Terminal;

namespace Crosshead.Tests.Cli.LoadTesting;

/// <summary><c>bench serve</c> with exact times.</summary>
public sealed class BenchServeTests : IDisposable
{
    private static readonly (double, string)[] s_completion =
    [
        (0.1, """{"choices":[{"text":""}]}"""), (0.1, """{"choices":[{"text":"a"}]}"""),
        (0.05, """{"choices":[{"text":"b"}]}"""), (0.15, """{"choices":[{"text":"c"}]}"""),
        (0, """{"choices":[{"text":"","finish_reason":"length"}]}"""),
        (0.3, """{"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":5}}"""), (0, "[DONE]"),
    ];

    private readonly TemporaryFolder _folder = new();
    private readonly VirtualTime _time = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Times_and_tokens_are_those_of_the_server()
    {
        var run = Run(new ScriptedServer(_time, s_completion), "--profile", "synchronous", "--num-prompts", "3",
            "--goodput", "ttft:250,tpot:50", "--json");
        Assert.Equal(0, run.ExitCode);
        var measured = run.Json["cases"]![0]!;
        Assert.Equal((3, 0, 0), ((int)measured["done"]!, (int)measured["failed"]!, (int)measured["rejected"]!));
        Assert.Equal(2.1, (double)measured["seconds"]!, 6); // 0.7 each, one after the other
        Assert.Equal((3000, 15), ((int)measured["promptTokens"]!, (int)measured["outputTokens"]!));
        Assert.Equal(15 / 2.1, (double)measured["outputThroughput"]!, 6);
        Assert.Equal(3015 / 2.1, (double)measured["totalThroughput"]!, 6);
        Assert.Equal(3 / 2.1, (double)measured["goodput"]!, 6);
        Assert.Equal(200, (double)measured["ttftMs"]!["median"]!, 6); // the empty chunk has no token
        Assert.Equal(50, (double)measured["tpotMs"]!["p99"]!, 6); // (400 - 200) / (5 - 1)
        Assert.Equal(100, (double)measured["itlMs"]!["mean"]!, 6); // 50 and 150
        Assert.Equal(150, (double)measured["itlMs"]!["longest"]!, 6);
        Assert.Equal(400, (double)measured["e2elMs"]!["p90"]!, 6); // up to the chunk with the reason
        Assert.Equal("scripted", (string)run.Json["model"]!);
        Assert.False((bool)measured["outputTokensAreChunks"]!);
    }

    [Fact]
    public void A_token_without_text_is_seen_by_its_id()
    {
        var run = Run(new ScriptedServer(_time,
            (0.1, """{"choices":[{"text":"a","token_ids":[5]}]}"""),
            (0.02, """{"choices":[{"text":"","token_ids":[6]}]}"""),
            (0.03, """{"choices":[{"text":"b","token_ids":[7]}]}"""),
            (0, """{"choices":[{"text":"","token_ids":[],"finish_reason":"length"}]}"""),
            (0, "[DONE]")), "--profile", "synchronous", "--num-prompts", "1", "--json");
        var gaps = run.Json["cases"]![0]!["itlMs"]!;
        Assert.Equal((25, 30), (Math.Round((double)gaps["mean"]!, 6), Math.Round((double)gaps["longest"]!, 6)));
    }

    [Fact]
    public void Without_the_servers_count_chunks_are_counted_and_it_is_told()
    {
        var run = Run(new ScriptedServer(_time, s_completion[..5]), "--num-prompts", "2", "--max-concurrency", "1");
        Assert.Contains("The server did not count the tokens of its answers.", run.Error);
        Assert.Contains("7.50", run.Out.Split('\n')[2]); // 6 chunks with tokens in 0.8 s
    }

    [Fact]
    public void Requests_state_their_sampling_and_nothing_else_decides_it()
    {
        var server = new ScriptedServer(_time, s_completion);
        Assert.Equal(0, Run(server, "--num-prompts", "1", "--temperature", "0.5", "--seed", "7", "--ignore-eos",
            "--input-len", "2", "--output-len", "9").ExitCode);
        Assert.Equal(2, server.Bodies.Count); // the first one warms up
        var body = (JsonObject)JsonNode.Parse(server.Bodies[1])!;
        Assert.Equal(2, ((string)body["prompt"]!).Split(' ').Length);
        body.Remove("prompt");
        AssertEqual("""
            {"model":"scripted","max_tokens":9,"temperature":0.5,"top_p":1,"presence_penalty":0,"frequency_penalty":0,
            "seed":7,"top_k":-1,"min_p":0,"repetition_penalty":1,"ignore_eos":true,
            "return_token_ids":true,"stream":true,"stream_options":{"include_usage":true}}
            """, body);
    }

    [Fact]
    public void A_chat_is_asked_with_fields_of_OpenAI_s_interface_alone()
    {
        var server = new ScriptedServer(_time, (0, """{"choices":[{"delta":{"content":"a"}}]}"""),
            (0, """{"choices":[{"delta":{},"finish_reason":"stop"}]}"""));
        Assert.Equal(0, Run(server, "--num-prompts", "1", "--endpoint", "chat", "--openai-fields-only", "--input-len",
            "1", "--model", "other").ExitCode);
        var body = (JsonObject)JsonNode.Parse(server.Bodies[1])!;
        Assert.Equal("user", (string)body["messages"]![0]!["role"]!);
        body.Remove("messages");
        AssertEqual("""
            {"model":"other","max_completion_tokens":128,"temperature":0,"top_p":1,"presence_penalty":0,
            "frequency_penalty":0,"seed":0,"stream":true,"stream_options":{"include_usage":true}}
            """, body);
    }

    [Fact]
    public void A_sweep_has_a_case_per_concurrency_and_a_page()
    {
        var folder = _folder.File("load");
        string[] line = ["--profile", "sweep", "--concurrencies", "1,2,inf", "--num-prompts", "20", "--out", folder];
        var run = Run(new ScriptedServer(_time, s_completion), line);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("2 at once", run.Out);
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "results.json")))!;
        Assert.Equal([16, 16, 20], json["cases"]!.AsArray().Select(c => (int)c!["done"]!));
        var page = File.ReadAllText(Path.Combine(folder, "report.html"));
        Assert.Contains("scripted under load", page);
        Assert.Contains("<svg", page);
        Assert.Contains("<title>1 at once</title>", page); // of a point
        Assert.Contains("results.json already", Run(new ScriptedServer(_time), line).Refusal());
        Assert.Equal(0, Run(new ScriptedServer(_time, s_completion), [.. line, "--overwrite"]).ExitCode);
    }

    [Fact]
    public void Prompts_of_different_cases_differ()
    {
        var server = new ScriptedServer(_time, s_completion);
        Run(server, "--concurrencies", "1,2", "--num-prompts", "16", "--input-len", "8");
        Assert.Equal(33, server.Bodies.Distinct().Count());
    }

    [Fact]
    public void A_server_that_refuses_the_first_request_is_told_in_one_line() => Assert.Equal(
        "the first request failed, so no test was begun: the server failed: no memory",
        Run(new ScriptedServer(_time, (0, """{"error":{"message":"no memory"}}""")), "--num-prompts", "1").Refusal());

    [Fact]
    public void The_mark_of_the_end_makes_an_answer_whole_even_without_a_reason() => Assert.Equal(0,
        Run(new ScriptedServer(_time, [.. s_completion[..3], (0, "[DONE]")]), "--num-prompts", "1").ExitCode);

    [Fact]
    public void A_stream_that_ends_early_is_no_answer() => Assert.Contains("the stream ended before the answer did",
        Run(new ScriptedServer(_time, s_completion[..3]), "--num-prompts", "1").Refusal());

    [Fact]
    public void Nobody_at_the_address_is_told_in_one_line() => Assert.Contains("start the server",
        CliRun.Of("bench", "serve", "http://127.0.0.1:9").Refusal());

    private static void AssertEqual(string expected, JsonObject body) =>
        Assert.Equal(JsonNode.Parse(expected)!.ToJsonString(), body.ToJsonString());

    private CliRun Run(ScriptedServer server, params string[] options)
    {
        using StringWriter output = new(), error = new();
        var program = new CommandLine(_ => [new BenchServeCommand(server, _time)]);
        var exitCode = program.Run(["serve", "http://scripted", .. options], new StandardStreams(output, error),
            TestContext.Current.CancellationToken);
        return new CliRun(exitCode, output.ToString(), error.ToString());
    }
}
