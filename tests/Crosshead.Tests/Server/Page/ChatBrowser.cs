using Microsoft.Playwright;

namespace Crosshead.Tests.Server.Page;

/// <summary>One Chromium for all tests of the page, started by the first of them.</summary>
public sealed class ChatBrowser : IAsyncLifetime
{
    private const string Variable = "CROSSHEAD_CHROMIUM";

    private static readonly string[] s_names = ["chromium", "chromium-browser", "google-chrome"];

    private IPlaywright? _playwright;
    private IBrowser? _browser;
    private ChatSession? _scripts;

    /// <summary>The browser, or a skipped test.</summary>
    public async Task<IBrowser> GetAsync()
    {
        if (_browser is not null) return _browser;
        var chromium = Find();
        Assert.SkipWhen(chromium is null, $"the tests of the chat page need Chromium; install it "
            + $"(scripts/install-chromium.sh), or name its program in {Variable}");
        _playwright = await Playwright.CreateAsync();
        Assertions.SetDefaultExpectTimeout(20_000);
        return _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = chromium });
    }

    /// <summary>A page for the tests of functions of its script, which leave no trace in it.</summary>
    internal async Task<ChatSession> ScriptsAsync() => _scripts ??= await ChatSession.OpenAsync(this);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_scripts is not null) await _scripts.DisposeAsync();
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named) return named;
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        return s_names.SelectMany(n => folders.Select(f => Path.Combine(f, n))).FirstOrDefault(File.Exists);
    }
}
