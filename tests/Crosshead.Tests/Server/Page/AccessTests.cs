using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Crosshead.Tests.Server.Page;

/// <summary>Keyboards, screen readers, small and dark screens, and people whom motion disturbs.</summary>
[Collection(ChatPageCollection.Name)]
public sealed class AccessTests(ChatBrowser browser)
{
    private const string Rich = "<think>the head</think># One\n\none **well** [a](https://b.example/) `c`\n\n"
        + "### Two\n- to\n- the\n\n> head\n\n"
        + "```js\nlet wide = 'one well one well one well one well one well one well';\n```\n\n"
        + "| one | two |\n|---|--:|\n| a **b** | c |\n";

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Axe_finds_nothing(ColorScheme scheme)
    {
        await using var chat = await ChatSession.OpenAsync(browser, await ChatSession.AnsweringAsync(Rich),
            new() { ColorScheme = scheme, ReducedMotion = ReducedMotion.Reduce });
        await chat.AskAsync("head");
        await chat.Answers.Locator("summary").ClickAsync();
        chat.Engine.Refusal = new CrossheadException("no.");
        await chat.SendAsync("two");
        await Expect(chat.Banner).ToContainTextAsync("No.");
        await chat.Questions.First.GetByText("Edit").ClickAsync();
        await CheckAsync(chat, "answer, editor and error");
        await chat.Button("Settings").ClickAsync();
        await CheckAsync(chat, "settings");
    }

    [Fact]
    public async Task Axe_finds_nothing_on_a_narrow_screen()
    {
        await using var chat = await ChatSession.OpenAsync(browser,
            options: new() { ViewportSize = new() { Width = 320, Height = 600 } });
        await chat.Button("Chats").ClickAsync();
        await CheckAsync(chat, "list of chats");
    }

    [Fact]
    public async Task The_colours_follow_the_system()
    {
        await using var chat = await ChatSession.OpenAsync(browser, options: new() { ColorScheme = ColorScheme.Dark });
        const string Light = "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every(c => c > 127)";
        Assert.False(await chat.Page.EvaluateAsync<bool>(Light));
        await chat.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Light });
        Assert.True(await chat.Page.EvaluateAsync<bool>(Light));
    }

    [Fact]
    public async Task Everything_is_reached_by_the_keyboard_in_order()
    {
        await using var chat = await ChatSession.OpenAsync(browser, await ChatSession.AnsweringAsync("one ```", "two"));
        var keys = chat.Page.Keyboard;
        await Expect(chat.Input).ToBeFocusedAsync();
        await keys.TypeAsync("head");
        await keys.PressAsync("Shift+Enter");
        await keys.TypeAsync("to");
        // Enter that ends the composition of a word sends nothing.
        await chat.Input.DispatchEventAsync("keydown", new { key = "Enter", isComposing = true });
        await Expect(chat.Questions).ToHaveCountAsync(0);
        await Expect(chat.Input).ToHaveValueAsync("head\nto");
        await keys.PressAsync("Enter");
        await chat.EndAsync();
        await Expect(chat.Questions.Locator(".body")).ToHaveTextAsync("head\nto");
        await Expect(chat.Input).ToBeFocusedAsync();
        await chat.Page.ReloadAsync();
        await Expect(chat.Answers).ToHaveCountAsync(1);
        await chat.Page.EvaluateAsync("() => document.querySelector('.skip').focus()");
        var order = new List<string>();
        for (var i = 0; i < 12; i++)
        {
            order.Add(await chat.Page.EvaluateAsync<string>("""
                () => {
                  const e = document.activeElement;
                  const style = getComputedStyle(e);
                  const shown = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
                  const name = e.labels?.[0]?.textContent ?? e.getAttribute('aria-label') ?? e.textContent;
                  return name.trim() + (shown ? '' : ' (focus is invisible)');
                }
                """));
            await keys.PressAsync("Tab");
        }
        Assert.Equal(["Skip to the message box", "New chat", "Settings", "head to", "Delete head to", "Conversation",
            "Edit", "Copy", "Edit", "Regenerate", "Message", "Send"], order);
    }

    [Fact]
    public async Task Escape_stops_an_answer_and_closes_the_settings()
    {
        await using var chat = await ChatSession.OpenAsync(browser, await ChatSession.AnsweringAsync("one well"));
        var keys = chat.Page.Keyboard;
        chat.Engine.Pause = () => new TaskCompletionSource().Task;
        await chat.SendAsync("head");
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one");
        await chat.Button("Settings").FocusAsync();
        await keys.PressAsync("Enter");
        await Expect(chat.Page.GetByLabel("System prompt")).ToBeFocusedAsync();
        await keys.PressAsync("Escape");
        await Expect(chat.Page.GetByRole(AriaRole.Dialog)).ToBeHiddenAsync();
        await Expect(chat.Button("Settings")).ToBeFocusedAsync();
        await Expect(chat.Button("Stop")).ToBeVisibleAsync();
        await keys.PressAsync("Escape");
        await chat.EndAsync();
        await Expect(chat.Answers.Locator(".numbers")).ToContainTextAsync("stopped");
    }

    [Fact]
    public async Task A_screen_reader_hears_an_answer_once()
    {
        var gate = new TaskCompletionSource();
        await using var chat = await ChatSession.OpenAsync(browser,
            await ChatSession.AnsweringAsync("one well head to"));
        chat.Engine.Pause = () => gate.Task;
        await chat.Page.EvaluateAsync("""
            () => {
              window.heard = [];
              const live = '[aria-live]:not([aria-live=off]), [role=status], [role=alert], [role=log]';
              new MutationObserver(list => {
                for (const { target } of list) {
                  const region = (target.closest ? target : target.parentElement).closest(live);
                  if (region?.textContent) window.heard.push(region.textContent);
                }
              }).observe(document.body, { subtree: true, childList: true, characterData: true });
            }
            """);
        await chat.SendAsync("head");
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one");
        gate.SetResult();
        await chat.EndAsync();
        Assert.Equal(["The model answers.", "Answer: one well head to"],
            await chat.Page.EvaluateAsync<string[]>("() => window.heard"));
    }

    [Fact]
    public async Task A_screen_of_320_points_is_wide_enough()
    {
        await using var chat = await ChatSession.OpenAsync(browser,
            await ChatSession.AnsweringAsync(Rich + new string('x', 300)),
            new() { ViewportSize = new() { Width = 320, Height = 560 } });
        await chat.AskAsync("head");
        await Expect(chat.Chats).ToHaveCountAsync(1);
        await Expect(chat.Chats.First).ToBeHiddenAsync();
        await FitsAsync(chat);
        await chat.Button("Chats").ClickAsync();
        await Expect(chat.Chats.First).ToBeFocusedAsync();
        await FitsAsync(chat);
        await chat.Page.Keyboard.PressAsync("Escape");
        await Expect(chat.Chats.First).ToBeHiddenAsync();
        await Expect(chat.Button("Chats")).ToBeFocusedAsync();
        await chat.Button("Settings").ClickAsync();
        await FitsAsync(chat);
        await chat.Button("Save").ClickAsync();
        await chat.AskAsync("to");
    }

    [Theory]
    [InlineData(560, "#conversation")]
    [InlineData(300, "html")]
    public async Task The_end_of_an_answer_stays_in_sight_until_the_reader_scrolls_back(int height, string scroller)
    {
        var steps = new SemaphoreSlim(0);
        await using var chat = await ChatSession.OpenAsync(browser,
            await ChatSession.AnsweringAsync(string.Join("\n\n", Enumerable.Repeat("one", 40))),
            new() { ViewportSize = new() { Width = 640, Height = height } });
        chat.Engine.Pause = () => steps.WaitAsync();
        var box = chat.Page.Locator(scroller);
        Task<bool> AtEnd() => box.EvaluateAsync<bool>("b => b.scrollHeight - b.scrollTop - b.clientHeight < 2");
        await chat.SendAsync("head");
        steps.Release(60);
        await Expect(chat.Answers.Locator("p").Nth(12)).ToBeVisibleAsync();
        await chat.Page.EvaluateAsync("() => new Promise(requestAnimationFrame)");
        Assert.True(await AtEnd());
        await box.EvaluateAsync("b => { b.scrollTop = 0; }");
        await chat.Page.EvaluateAsync("() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))");
        steps.Release(500);
        await chat.EndAsync();
        Assert.Equal(0, await box.EvaluateAsync<double>("b => b.scrollTop"));
    }

    [Fact]
    public async Task Nothing_moves_for_those_who_want_no_motion()
    {
        await using var chat = await ChatSession.OpenAsync(browser, await ChatSession.AnsweringAsync("one well"));
        chat.Engine.Pause = () => new TaskCompletionSource().Task;
        await chat.SendAsync("head");
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one");
        const string Moving = "() => document.getAnimations().length";
        Assert.Equal(1, await chat.Page.EvaluateAsync<int>(Moving));
        await chat.Page.EmulateMediaAsync(new() { ReducedMotion = ReducedMotion.Reduce });
        Assert.Equal(0, await chat.Page.EvaluateAsync<int>(Moving));
    }

    // No part of the page is wider than the window.
    private static async Task FitsAsync(ChatSession chat) =>
        Assert.Equal("[]", await chat.Page.EvaluateAsync<string>("""
        () => JSON.stringify([...document.querySelectorAll('body, body *')].filter(e => {
          const box = e.getBoundingClientRect();
          return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1) && !e.closest('pre, .unseen');
        }).map(e => e.outerHTML.slice(0, 80)).concat(document.documentElement.scrollWidth > innerWidth ? ['wide'] : []))
        """));

    private static async Task CheckAsync(ChatSession chat, string when)
    {
        var result = await chat.Page.RunAxe();
        Assert.True(result.Violations.Length == 0, $"{when}: " + string.Join('\n', result.Violations.Select(v =>
            $"{v.Id}: {v.Help}: {string.Join(' ', v.Nodes.Select(n => n.Html))}")));
    }
}
