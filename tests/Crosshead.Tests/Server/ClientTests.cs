using System.ClientModel;
using Crosshead.Server;
using Crosshead.Serving;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Models;
using ChatMessage = OpenAI.Chat.ChatMessage;

namespace Crosshead.Tests.Server;

/// <summary>OpenAI's and Microsoft's clients against the server.</summary>
public sealed class ClientTests
{
    private const string Call =
        "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>";
    private static readonly ChatMessage[] s_messages = [new UserChatMessage("Hi")];
    private static readonly OpenAI.Chat.ChatTool s_weather = OpenAI.Chat.ChatTool.CreateFunctionTool("weather",
        "Tells the weather.", BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string"}}}"""));

    [Theory]
    [InlineData("v1")]
    [InlineData("")]
    public async Task OpenAIs_client_chats_with_either_base(string path)
    {
        await using var server = await TestServer.StartAsync();
        ChatCompletion answer = await Client(server, path).CompleteChatAsync(s_messages);
        Assert.Equal((" one well", OpenAI.Chat.ChatFinishReason.Stop, ChatMessageRole.Assistant),
            (answer.Content[0].Text, answer.FinishReason, answer.Role));
        Assert.Equal((19, 3, 22, 1), (answer.Usage.InputTokenCount, answer.Usage.OutputTokenCount,
            answer.Usage.TotalTokenCount, answer.Usage.InputTokenDetails.CachedTokenCount));
    }

    [Fact]
    public async Task OpenAIs_client_reads_a_stream_with_usage()
    {
        await using var server = await TestServer.StartAsync();
        var (pieces, ends, usages) = (new List<string>(), new List<OpenAI.Chat.ChatFinishReason>(), new List<int>());
        await foreach (var update in Client(server).CompleteChatStreamingAsync(s_messages))
        {
            pieces.AddRange(update.ContentUpdate.Select(c => c.Text));
            if (update.FinishReason is { } end) ends.Add(end);
            if (update.Usage is { } usage) usages.Add(usage.TotalTokenCount);
        }
        Assert.Equal(" one well", string.Concat(pieces));
        Assert.Equal([OpenAI.Chat.ChatFinishReason.Stop], ends);
        Assert.Equal([22], usages);
    }

    [Fact]
    public async Task OpenAIs_client_reads_log_probabilities()
    {
        await using var server = await TestServer.StartAsync();
        ChatCompletion answer = await Client(server).CompleteChatAsync(s_messages, new ChatCompletionOptions
        {
            IncludeLogProbabilities = true,
            TopLogProbabilityCount = 2,
            MaxOutputTokenCount = 2,
        });
        Assert.Equal(OpenAI.Chat.ChatFinishReason.Length, answer.FinishReason);
        Assert.Equal([" one", " well"], answer.ContentTokenLogProbabilities.Select(t => t.Token));
        Assert.All(answer.ContentTokenLogProbabilities, t => Assert.Equal(2, t.TopLogProbabilities.Count));
        Assert.Equal(" one"u8, answer.ContentTokenLogProbabilities[0].Utf8Bytes!.Value.Span);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OpenAIs_client_reads_tool_calls_and_sends_their_results(bool streams)
    {
        await using var server = await TestServer.StartAsync();
        server.Engine.Answer = (_, _) => $"{Call}\n{Call}";
        var options = new ChatCompletionOptions { Tools = { s_weather } };
        var calls = new SortedDictionary<int, (string Id, string Name, string Arguments)>();
        var end = OpenAI.Chat.ChatFinishReason.Stop;
        if (streams)
            await foreach (var update in Client(server).CompleteChatStreamingAsync(s_messages, options))
            {
                foreach (var part in update.ToolCallUpdates)
                {
                    var (id, name, arguments) =
                        calls.GetValueOrDefault(part.Index, (part.ToolCallId, part.FunctionName, ""));
                    calls[part.Index] = (id, name, arguments + part.FunctionArgumentsUpdate);
                }
                end = update.FinishReason ?? end;
            }
        else
        {
            ChatCompletion answer = await Client(server).CompleteChatAsync(s_messages, options);
            foreach (var (i, call) in answer.ToolCalls.Index())
                calls[i] = (call.Id, call.FunctionName, call.FunctionArguments.ToString());
            end = answer.FinishReason;
        }
        Assert.Equal(OpenAI.Chat.ChatFinishReason.ToolCalls, end);
        Assert.Equal([("weather", "{\"city\": \"Rome\"}"), ("weather", "{\"city\": \"Rome\"}")],
            calls.Values.Select(c => (c.Name, c.Arguments)));
        Assert.Equal(2, calls.Values.Select(c => c.Id).Distinct().Count());

        server.Engine.Answer = (_, _) => "Sunny.";
        ChatCompletion told = await Client(server).CompleteChatAsync([.. s_messages,
            new AssistantChatMessage([ChatToolCall.CreateFunctionToolCall(calls[0].Id, calls[0].Name,
                BinaryData.FromString(calls[0].Arguments))]),
            new ToolChatMessage(calls[0].Id, "sunny")], options);
        Assert.Equal("Sunny.", told.Content[0].Text);
    }

    [Fact]
    public async Task OpenAIs_client_shows_what_is_wrong()
    {
        await using var server = await TestServer.StartAsync(new ServerOptions { ApiKeys = ["right"] });
        var error = await Assert.ThrowsAsync<ClientResultException>(
            () => Client(server, key: "wrong").CompleteChatAsync(s_messages));
        Assert.Equal(401, error.Status);
        Assert.Contains("(authentication_error: invalid_api_key)", error.Message, StringComparison.Ordinal);
        error = await Assert.ThrowsAsync<ClientResultException>(() => Client(server, key: "right").CompleteChatAsync(
            s_messages, new ChatCompletionOptions { Temperature = 3 }));
        Assert.Contains("temperature (3) must be a number from 0 to 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenAIs_client_waits_as_long_as_it_is_told_and_tries_again()
    {
        var engine = new FakeEngine(TestServer.Tokenizer)
        {
            Refusal = new EngineOverloadedException("full.", TimeSpan.FromSeconds(1)),
        };
        await using var server = await TestServer.StartAsync(engine: engine);
        var asked = Client(server).CompleteChatAsync(s_messages);
        await TestServer.UntilAsync(() => Rejected(server) > 0);
        engine.Refusal = null;
        Assert.Equal(" one well", (await asked).Value.Content[0].Text);
    }

    [Fact]
    public async Task OpenAIs_client_notices_a_stream_that_fails()
    {
        var read = new TaskCompletionSource();
        await using var server = await TestServer.StartAsync(
            engine: new FakeEngine(TestServer.Tokenizer) { FailsAfter = 1, Pause = () => read.Task });
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await foreach (var _ in Client(server).CompleteChatStreamingAsync(s_messages)) read.TrySetResult();
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Cancelling_OpenAIs_client_ends_the_call(bool streams)
    {
        var engine = new FakeEngine(TestServer.Tokenizer) { Gate = new TaskCompletionSource().Task };
        await using var server = await TestServer.StartAsync(engine: engine);
        using var stop = new CancellationTokenSource();
        var asked = Task.Run(async () =>
        {
            if (!streams) await Client(server).CompleteChatAsync(s_messages, null, stop.Token);
            else await foreach (var _ in Client(server).CompleteChatStreamingAsync(s_messages, null, stop.Token)) { }
        });
        await TestServer.UntilAsync(() => engine.Calls.Count == 1);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        await TestServer.UntilAsync(() => engine.Calls[0].WasCancelled);
    }

    [Fact]
    public async Task OpenAIs_client_lists_models()
    {
        await using var server = await TestServer.StartAsync();
        OpenAIModelCollection models = await new OpenAIClient(new ApiKeyCredential("none"), Options(server, "v1"))
            .GetOpenAIModelClient().GetModelsAsync();
        Assert.Equal(["tiny", "other/name"], models.Select(m => m.Id));
    }

    [Fact]
    public async Task Microsofts_client_chats_and_thinks_and_streams()
    {
        await using var server = await TestServer.StartAsync();
        server.Engine.Answer = (_, _) => "<think>hm</think>Hello";
        using var client = Client(server).AsIChatClient();
        var answer = await client.GetResponseAsync("Hi");
        Assert.Equal("Hello", answer.Text);
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in client.GetStreamingResponseAsync("Hi")) updates.Add(update);
        var whole = updates.ToChatResponse();
        Assert.Equal("Hello", whole.Text);
        Assert.Equal("hm", string.Concat(
            whole.Messages.SelectMany(m => m.Contents).OfType<TextReasoningContent>().Select(t => t.Text)));
        Assert.Equal(answer.Usage!.TotalTokenCount, whole.Usage!.TotalTokenCount);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Microsofts_client_reads_tool_calls(bool streams)
    {
        await using var server = await TestServer.StartAsync();
        server.Engine.Answer = (_, _) => $"{Call}\n<tool_call>\n{{\"name\": \"weather\"}}\n</tool_call>";
        using var client = Client(server).AsIChatClient();
        var options = new ChatOptions
        {
            Tools = [AIFunctionFactory.Create((string city) => "sunny in " + city, "weather")],
        };
        var answer = streams ? await client.GetStreamingResponseAsync("Hi", options).ToChatResponseAsync()
            : await client.GetResponseAsync("Hi", options);
        var calls = answer.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>().ToArray();
        Assert.Equal(["weather", "weather"], calls.Select(c => c.Name));
        Assert.Equal(("Rome", 0), (calls[0].Arguments!["city"]!.ToString(), calls[1].Arguments!.Count));
        Assert.All(calls, c => Assert.Null(c.Exception));
        Assert.Equal(Microsoft.Extensions.AI.ChatFinishReason.ToolCalls, answer.FinishReason);
    }

    private static int Rejected(TestServer server)
    {
        lock (server.Log) return server.Log.Count(l => l.Contains(" 503 ", StringComparison.Ordinal));
    }

    private static ChatClient Client(TestServer server, string path = "v1", string key = "none") =>
        new("tiny", new ApiKeyCredential(key), Options(server, path));

    private static OpenAIClientOptions Options(TestServer server, string path) =>
        new() { Endpoint = new Uri(server.Client.BaseAddress!, path) };
}
