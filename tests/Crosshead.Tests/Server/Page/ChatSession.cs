using System.Text.Json;
using Crosshead.Server;
using Crosshead.Serving;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Crosshead.Tests.Server.Page;

/// <summary>
/// The page of a real server over the fake engine, in a browser without a past. At its end no script may have failed,
/// and nothing may have been asked of another server.
/// </summary>
internal sealed class ChatSession : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly List<string> _faults = [];

    private ChatSession(TestServer server, IBrowserContext context, IPage page)
    {
        (Server, _context, Page) = (server, context, page);
        page.PageError += (_, error) => Add($"script: {error}");
        page.Console += (_, line) =>
        {
            if (line.Type == "error" && !line.Text.StartsWith("Failed to load resource", StringComparison.Ordinal))
                Add($"console: {line.Text}");
        };
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(server.Server.Address.ToString(), StringComparison.Ordinal)
                && !request.Url.StartsWith("data:", StringComparison.Ordinal))
                Add($"request to {request.Url}");
        };
    }

    public TestServer Server { get; }

    public FakeEngine Engine => Server.Engine;

    public IPage Page { get; }

    public ILocator Input => Page.GetByLabel("Message", new() { Exact = true });

    public ILocator Answers => Page.Locator(".assistant");

    public ILocator Questions => Page.Locator(".user");

    public ILocator Banner => Page.GetByRole(AriaRole.Alert);

    public ILocator Notice => Page.Locator("#notice");

    public ILocator Chats => Page.Locator("#chats .open");

    /// <summary>The prompts that the engine has got, as texts.</summary>
    public IReadOnlyList<string> Prompts =>
        [.. Engine.Calls.Select(c => TestServer.Tokenizer.Decode(c.Request.Prompt.ToArray(), false))];

    public EngineRequest LastRequest => Engine.Calls[^1].Request;

    /// <summary>Opens the page.</summary>
    /// <param name="browser">The browser.</param>
    /// <param name="server">The server; the session disposes it. Null for one with the fake engine's defaults.</param>
    /// <param name="options">How the browser looks.</param>
    /// <param name="prepare">Called before the page is loaded.</param>
    public static async Task<ChatSession> OpenAsync(ChatBrowser browser, TestServer? server = null,
        BrowserNewContextOptions? options = null, Func<IPage, Task>? prepare = null)
    {
        var chromium = await browser.GetAsync();
        server ??= await TestServer.StartAsync();
        var context = await chromium.NewContextAsync(options);
        context.SetDefaultTimeout(20_000);
        var session = new ChatSession(server, context, await context.NewPageAsync());
        if (prepare is not null) await prepare(session.Page);
        await session.Page.GotoAsync(server.Server.Address.ToString());
        return session;
    }

    /// <summary>A server whose answers are these, one after the other; the last one again and again.</summary>
    public static async Task<TestServer> AnsweringAsync(params string[] answers)
    {
        var next = 0;
        var engine = new FakeEngine(TestServer.Tokenizer)
        {
            Answer = (_, _) => answers[Math.Min(next++, answers.Length - 1)],
        };
        return await TestServer.StartAsync(new ServerOptions(), engine);
    }

    /// <summary>Writes a message and sends it.</summary>
    public async Task SendAsync(string text)
    {
        await Input.FillAsync(text);
        await Input.PressAsync("Enter");
    }

    /// <summary>Sends a message and waits for the whole answer.</summary>
    public async Task AskAsync(string text)
    {
        await SendAsync(text);
        await Expect(Questions.Last.Locator(".body")).ToHaveTextAsync(text);
        await EndAsync();
    }

    /// <summary>Waits until the last answer is whole.</summary>
    public async Task EndAsync()
    {
        await Expect(Answers.Last).ToHaveAttributeAsync("aria-busy", "false");
        await Expect(Page.GetByRole(AriaRole.Button, new() { Name = "Send", Exact = true })).ToBeVisibleAsync();
    }

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    /// <summary>The value of an expression with the functions of the page's scripts, as JSON.</summary>
    public Task<string> CallAsync(string expression, object? argument = null) => Page.EvaluateAsync<string>(
        $$"""
        async text => {
          const names = ['blocks', 'spans', 'streams', 'requests', 'numbers', 'storage'];
          const page = Object.assign({}, ...await Promise.all(names.map(n => import(`/scripts/${n}.js`))));
          const given = JSON.parse(text);
          return JSON.stringify(await (async () => ({{expression}}))());
        }
        """, JsonSerializer.Serialize(argument));

    public async ValueTask DisposeAsync()
    {
        await _context.DisposeAsync();
        await Server.DisposeAsync();
        lock (_faults) Assert.Empty(_faults);
    }

    private void Add(string fault)
    {
        lock (_faults) _faults.Add(fault);
    }
}
