using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Crosshead.Server;
using Crosshead.Server.Hosting;
using Crosshead.Tests.Text.Tokenizers;
using Crosshead.Text.Chat;
using Crosshead.Text.Chat.Answers;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Tests.Server;

/// <summary>A real server on any free port, over the fake engine.</summary>
internal sealed partial class TestServer : IAsyncDisposable
{
    public const string Template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% if m.tool_calls %}"
        + "{% for c in m.tool_calls %}({{ c.function.name }} {{ c.function.arguments | tojson }}){% endfor %}"
        + "{% endif %}"
        + "{% if m.role == 'tool' and not m.content %}{{ raise_exception('A tool said nothing.') }}{% endif %}\n"
        + "{% endfor %}{% if tools %}{{ tools | tojson }}{% endif %}"
        + "{% if add_generation_prompt %}<assistant>{% endif %}{% if enable_thinking is false %}!{% endif %}";

    // Far longer than anything takes, even where other work keeps the cores.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly ModelServer _server;

    private TestServer(ModelServer server, FakeEngine engine, List<string> log)
    {
        (_server, Engine, Log) = (server, engine, log);
        Client = new HttpClient { BaseAddress = server.Address, Timeout = s_patience };
    }

    public static Tokenizer Tokenizer => TinyTokenizer.Gpt2;

    public ModelServer Server => _server;

    public FakeEngine Engine { get; }

    public HttpClient Client { get; }

    /// <summary>The lines of the log; lock it to read it.</summary>
    public List<string> Log { get; }

    public static async Task<TestServer> StartAsync(ServerOptions? options = null, FakeEngine? engine = null,
        Func<ServedModel, ServedModel>? model = null, bool loaded = true)
    {
        var log = new List<string>();
        var server = await ModelServer.StartAsync((options ?? new ServerOptions()) with { Port = 0 }, line =>
        {
            lock (log) log.Add(line);
        });
        engine ??= new FakeEngine(Tokenizer);
        var served = Model(engine);
        if (loaded) server.Serve(model is null ? served : model(served));
        return new TestServer(server, engine, log);
    }

    /// <summary>What the server is told of the fake engine.</summary>
    public static ServedModel Model(FakeEngine engine) => new()
    {
        Engine = engine,
        Tokenizer = Tokenizer,
        Names = ["tiny", "other/name"],
        VocabularySize = Tokenizer.VocabularySize,
        EndTokens = [Tokenizer.EosTokenId!.Value],
        ChatTemplate = ChatTemplate.Parse(Template, new Dictionary<string, object?>(), "the template"),
        AnswerFormat = AnswerFormat.Hermes.WithThoughts(),
        Root = "models/tiny",
        Facts = new JsonObject { ["variant"] = "mea", ["cache_bytes_per_token"] = 640 },
    };

    public static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");

    public Task<HttpResponseMessage> PostAsync(string path, string json) => Client.PostAsync(path, Json(json));

    /// <summary>The whole answer to a request, with what differs from run to run replaced.</summary>
    public async Task<string> AskAsync(string path, string json, HttpStatusCode status = HttpStatusCode.OK)
    {
        using var response = await PostAsync(path, json);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(status == response.StatusCode, $"{response.StatusCode}: {text}");
        return Plain(text);
    }

    public async Task<string> GetAsync(string path) => Plain(await Client.GetStringAsync(path));

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _server.DisposeAsync();
    }

    /// <summary>Waits until something holds.</summary>
    public static async Task UntilAsync(Func<bool> holds)
    {
        for (var start = Stopwatch.GetTimestamp(); !holds();)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < s_patience, "it does not come to hold.");
            await Task.Delay(5);
        }
    }

    private static string Plain(string text) => Changing().Replace(text, found =>
        found.Groups["time"].Success ? "\"created\":0" : $"\"{found.Groups["kind"].Value}-0\"");

    [GeneratedRegex("\"created\":(?<time>[0-9]{10})|\"(?<kind>cmpl|chatcmpl|call)[-_][0-9a-zA-Z]{9,24}\"",
        RegexOptions.ExplicitCapture)]
    private static partial Regex Changing();
}
