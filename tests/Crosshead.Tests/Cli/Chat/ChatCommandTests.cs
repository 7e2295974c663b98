using System.Diagnostics;
using System.Text.Json.Nodes;
using Crosshead.Cli.Terminal;
using Crosshead.Tests.Cli.LoadTesting;

namespace Crosshead.Tests.Cli.Chat;

public sealed class ChatCommandTests : IDisposable
{
    private const string Template = "{% for m in messages %}{{ m.role }} {{ m.content }}\n{% endfor %}";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_model_in_this_process_answers_each_line()
    {
        var model = Model();
        File.WriteAllText(Path.Combine(model, "chat_template.jinja"), Template);
        string[] line = ["chat", model, "--temperature", "0", "--max-tokens", "3", "--json"];
        var run = CliRun.With("word1\n/clear\nword1\n", default, line);
        Assert.True(run.ExitCode == 0, run.Error);
        var answer = (string)run.Json["messages"]![1]!["content"]!;
        Assert.NotEmpty(answer);
        Assert.Contains("ended after 3 tokens", run.Error);
        Assert.Equal(answer + "\n", CliRun.With("word1", default, line[..^1]).Out);
        var same = CliRun.Of("generate", model, "--prompt", "user word1\n", "--temperature", "0", "--max-tokens", "3",
            "--json");
        Assert.Equal((string)same.Json["text"]!, answer);
    }

    [Fact]
    public void A_template_of_a_file_takes_the_place_of_the_model_s()
    {
        var (model, file) = (Model(), _folder.Write("own.jinja", Template));
        string[] line = ["chat", model, "--temperature", "0", "--max-tokens", "3"];
        var run = CliRun.With("word1", default, [.. line, "--chat-template", file]);
        Assert.True(run.ExitCode == 0, run.Error);
        File.WriteAllText(Path.Combine(model, "chat_template.jinja"), "{{ messages[0].content }} word2 word3");
        Assert.NotEqual(run.Out, CliRun.With("word1", default, line).Out);
        Assert.Equal(run.Out, CliRun.With("word1", default, [.. line, "--chat-template", file]).Out);
        Assert.Contains("does not exist; name a file that holds one",
            CliRun.Of([.. line, "--chat-template", "nowhere"]).Refusal());
    }

    [Fact]
    public void A_model_without_a_template_is_told_in_one_line() =>
        Assert.Contains("has no chat template", CliRun.Of("chat", Model()).Refusal());

    [Fact]
    public async Task A_server_answers_each_line()
    {
        await using var server = await StubServer.Start();
        var run = await Task.Run(() => CliRun.With("one\ntwo\n", default, "chat", server.Url, "--system", "Be brief.",
            "--temperature", "0.5", "--top-p", "0.9", "--max-tokens", "7", "--seed", "3", "--api-key", "secret"));
        Assert.Equal((0, "You said one\nYou said two\n", ""), (run.ExitCode, run.Out, run.Error));
        var body = server.Bodies.Last();
        Assert.Equal(["Be brief.", "one", "You said one", "two"],
            body["messages"]!.AsArray().Select(m => (string)m!["content"]!));
        Assert.All(server.Keys, key => Assert.Equal("Bearer secret", key));
        body.Remove("messages");
        Assert.Equal(JsonNode.Parse("""
            {"model":"stub","max_completion_tokens":7,"temperature":0.5,"top_p":0.9,"stream":true,"seed":3,
            "max_tokens":7,"top_k":-1,"min_p":0,"repetition_penalty":1}
            """)!.ToJsonString(), body.ToJsonString());
    }

    [Fact]
    public async Task A_script_keeps_what_was_answered_before_a_failure()
    {
        await using var server = await StubServer.Start(async (number, context) =>
        {
            if (number == 0) return false;
            context.Response.StatusCode = 500;
            await context.Response.CompleteAsync();
            return true;
        });
        var run = await Task.Run(() => CliRun.With("/one\ntwo\nthree\n", default, "chat", server.Url, "--json"));
        Assert.Equal(2, run.ExitCode);
        Assert.Equal(["two", "You said two"], run.Json["messages"]!.AsArray().Select(m => (string)m!["content"]!));
        var told = run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, told.Length);
        Assert.StartsWith("unknown command \"/one\"", told[0], StringComparison.Ordinal);
        Assert.Contains("500", told[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("chat")]
    [InlineData("bench", "serve")]
    public async Task A_server_that_asks_for_a_key_is_told_with_the_option(params string[] command)
    {
        await using var server = await StubServer.Start(key: "secret");
        var told = await Task.Run(() => CliRun.Of([.. command, server.Url]).Refusal());
        Assert.Equal("the server answered /v1/models with 401 Unauthorized: it asks for a key; give it with --api-key, "
            + "or in the environment variable CROSSHEAD_API_KEY.", told);
        told = await Task.Run(() => CliRun.Of([.. command, server.Url, "--api-key", "other"]).Refusal());
        Assert.Equal("the server answered /v1/models with 401 Unauthorized: the API key is another", told);
    }

    [Fact]
    public async Task A_server_that_refuses_is_told_in_one_line()
    {
        await using var server = await StubServer.Start(async (_, context) =>
        {
            context.Response.StatusCode = 400;
            await Microsoft.AspNetCore.Http.HttpResponseWritingExtensions.WriteAsync(context.Response,
                """{"error":{"message":"the prompt is too long"}}""");
            return true;
        });
        var run = await Task.Run(() => CliRun.With("one\ntwo\n", default, "chat", server.Url));
        Assert.Equal("the server answered /v1/chat/completions with 400 Bad Request: the prompt is too long",
            run.Refusal());
        Assert.Equal([true, false], server.Bodies.Select(body => body.ContainsKey("max_tokens")));
    }

    [Fact]
    public async Task A_server_whose_context_is_too_short_for_the_limit_is_asked_without_it()
    {
        await using var server = await StubServer.Start(async (number, context) =>
        {
            if (number != 1)
            {
                context.Response.StatusCode = 400;
                await context.Response.CompleteAsync();
                return true;
            }
            await StubServer.Send(context,
                """{"choices":[{"index":0,"delta":{"content":"all"},"finish_reason":"length"}]}""");
            await StubServer.Send(context, "[DONE]");
            return true;
        });
        var run = await Task.Run(() => CliRun.With("one\n", default, "chat", server.Url));
        Assert.Equal((0, "all\n"), (run.ExitCode, run.Out));
        Assert.Equal("The answer ended because the server's context is full; /clear begins a new conversation.\n",
            run.Error);
        Assert.Equal([true, false], server.Bodies.Select(body => body.ContainsKey("max_completion_tokens")));
        Assert.All(server.Bodies, body => Assert.Equal("one", (string?)body["messages"]![0]!["content"]));
    }

    [Fact]
    public async Task Ctrl_C_stops_an_answer_then_ends_at_the_prompt()
    {
        ProgramTests.RequireHeard("INT");
        await using var server = await StubServer.Start(async (number, context) =>
        {
            if (number > 0) return false;
            await StubServer.Send(context, """{"choices":[{"index":0,"delta":{"content":"endless\n"}}]}""");
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        });
        var start = ProgramTests.Start(AppContext.BaseDirectory, ["chat", server.Url]);
        start.RedirectStandardInput = true;
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteLineAsync("one");
        await process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
        Assert.Equal("endless", await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        ProgramTests.Signal(process, "INT");
        await process.StandardInput.WriteLineAsync("two");
        await process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
        Assert.Equal("", await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        Assert.Equal("You said two",
            await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        await Task.Delay(2 * SignalEchoes.Delay, TestContext.Current.CancellationToken);
        ProgramTests.Signal(process, "INT");
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(130, process.ExitCode);
        Assert.Equal("The answer was ended. A second Ctrl-C ends the chat.\nending the chat; once more to stop at "
            + "once.\n", await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("chat http://h --device cpu", "--device has no meaning for a server")]
    [InlineData("chat nowhere --api-key k", "--api-key has no meaning for a model directory")]
    [InlineData("chat nowhere", "nowhere")]
    [InlineData("chat http://127.0.0.1:9", "start the server")]
    [InlineData("chat http://h?x=1", "is no address of a server")]
    public void What_cannot_be_talked_to_is_told(string line, string told) =>
        Assert.Contains(told, CliRun.Of(line.Split(' ')).Refusal());

    private string Model()
    {
        Assert.Equal(0, CliRun.Of("train", TinyRecipe.In(_folder, 1), "--out", _folder.File("run")).ExitCode);
        return _folder.File("run");
    }
}
