using static Microsoft.Playwright.Assertions;

namespace Crosshead.Tests.Server.Page;

/// <summary>Several chats, and what the browser keeps.</summary>
[Collection(ChatPageCollection.Name)]
public sealed class KeepingTests(ChatBrowser browser)
{
    [Fact]
    public async Task Chats_are_kept_opened_and_deleted()
    {
        await using var chat = await ChatSession.OpenAsync(browser, await ChatSession.AnsweringAsync("one", "two"));
        await chat.AskAsync("head");
        await chat.Button("New chat").ClickAsync();
        await Expect(chat.Questions).ToHaveCountAsync(0);
        await chat.AskAsync("attention");
        await chat.Page.ReloadAsync();
        await Expect(chat.Chats).ToHaveTextAsync(["attention", "head"]);
        await Expect(chat.Questions.Locator(".body")).ToHaveTextAsync("attention");
        await chat.Chats.Nth(1).ClickAsync();
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one");
        await Expect(chat.Answers.Locator(".numbers")).ToContainTextAsync("2 tokens · first");
        chat.Page.Dialog += (_, dialog) => _ = dialog.AcceptAsync();
        await chat.Button("Delete head").ClickAsync();
        await Expect(chat.Chats).ToHaveTextAsync(["attention"]);
        await chat.Page.ReloadAsync();
        await Expect(chat.Chats).ToHaveTextAsync(["attention"]);
    }

    [Fact]
    public async Task An_answer_goes_on_while_another_chat_is_open()
    {
        var gate = new TaskCompletionSource();
        await using var chat = await ChatSession.OpenAsync(browser,
            await ChatSession.AnsweringAsync("one well", "two"));
        chat.Engine.Pause = () => gate.Task;
        await chat.SendAsync("head");
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one");
        await chat.Button("New chat").ClickAsync();
        await Expect(chat.Button("Send")).ToBeVisibleAsync();
        chat.Engine.Pause = null;
        await chat.AskAsync("to");
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("two");
        gate.SetResult();
        await chat.Chats.Filter(new() { HasText = "head" }).ClickAsync();
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one well");
        await chat.EndAsync();
    }

    [Fact]
    public async Task Full_storage_stops_nothing()
    {
        await using var chat = await ChatSession.OpenAsync(browser);
        await chat.Page.EvaluateAsync("""
            () => {
              for (let size = 1 << 20; size > 0; size >>= 1) {
                try {
                  for (let i = 0; ; i++) localStorage.setItem(`other.${size}.${i}`, 'x'.repeat(size));
                } catch { }
              }
            }
            """);
        await chat.AskAsync("head");
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one well");
        await Expect(chat.Notice).ToContainTextAsync("The browser has no room for this chat.");
        await chat.AskAsync("heads");
        await Expect(chat.Answers).ToHaveCountAsync(2);
        // Once there is room, it is kept.
        await chat.Page.EvaluateAsync("() => localStorage.clear()");
        await chat.AskAsync("to");
        await chat.Page.ReloadAsync();
        await Expect(chat.Answers).ToHaveCountAsync(3);
    }

    [Fact]
    public async Task A_browser_without_storage_and_clipboard_works()
    {
        var server = await ChatSession.AnsweringAsync("```\nthe head\n```");
        await using var chat = await ChatSession.OpenAsync(browser, server, prepare: page =>
            page.AddInitScriptAsync("""
            for (const name of ['localStorage', 'sessionStorage']) {
              Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError'); } });
            }
            Object.defineProperty(navigator, 'clipboard', { value: undefined });
            """));
        await chat.AskAsync("head");
        await chat.Button("Copy code").ClickAsync();
        await Expect(chat.Page.Locator(".code button")).ToHaveTextAsync("Copied");
        await chat.Input.FocusAsync();
        await chat.Page.Keyboard.PressAsync("Control+V");
        await Expect(chat.Input).ToHaveValueAsync("the head");
    }

    [Fact]
    public async Task A_second_tab_takes_over_what_the_first_one_wrote()
    {
        await using var chat = await ChatSession.OpenAsync(browser);
        var second = await chat.Page.Context.NewPageAsync();
        await second.GotoAsync(chat.Page.Url);
        await chat.AskAsync("head");
        await Expect(second.Locator("#chats .open").Last).ToHaveTextAsync("head");
    }
}
