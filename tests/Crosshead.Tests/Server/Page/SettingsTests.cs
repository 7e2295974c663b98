using Crosshead.Generation;
using Crosshead.Server;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Crosshead.Tests.Server.Page;

/// <summary>How an answer is asked for.</summary>
[Collection(ChatPageCollection.Name)]
public sealed class SettingsTests(ChatBrowser browser)
{
    [Fact]
    public async Task Settings_are_sent_and_kept_and_empty_ones_are_the_servers()
    {
        var server = await TestServer.StartAsync(model: m => m with
        {
            Defaults = new SamplingOptions { Temperature = 0.6, TopP = 0.95 },
        });
        await using var chat = await ChatSession.OpenAsync(browser, server);
        await chat.AskAsync("head");
        Assert.Equal(0.6, chat.LastRequest.Sampling.Temperature);
        await chat.Button("Settings").ClickAsync();
        var dialog = chat.Page.GetByRole(AriaRole.Dialog);
        await Expect(dialog).ToContainTextAsync("Model tiny, context of 1,024 tokens.");
        await Expect(dialog.GetByLabel("Temperature")).ToHaveAttributeAsync("placeholder", "0.6");
        await Expect(dialog.GetByLabel("Top p")).ToHaveAttributeAsync("placeholder", "0.95");
        await dialog.GetByLabel("System prompt").FillAsync("the");
        await dialog.GetByLabel("Temperature").FillAsync("0.25");
        await dialog.GetByLabel("Top p").FillAsync("0.5");
        await dialog.GetByLabel("Most tokens per answer").FillAsync("1");
        await dialog.GetByLabel("Seed").FillAsync("7");
        await chat.Button("Save").ClickAsync();
        await Expect(dialog).ToBeHiddenAsync();
        await chat.Page.ReloadAsync();
        await chat.AskAsync("to");
        var request = chat.LastRequest;
        Assert.Equal((0.25, 0.5, 1, 7L), (request.Sampling.Temperature, request.Sampling.TopP, request.MaxTokens,
            request.Sampling.Seed!.Value));
        Assert.StartsWith("<system>the<user>head", chat.Prompts[^1], StringComparison.Ordinal);
        await Expect(chat.Answers.Last.Locator(".numbers")).ToContainTextAsync("ended at the limit of tokens");
        await chat.Button("Settings").ClickAsync();
        await chat.Button("Use all defaults").ClickAsync();
        await chat.Button("Save").ClickAsync();
        await chat.AskAsync("one");
        Assert.Equal(0.6, chat.LastRequest.Sampling.Temperature);
    }

    [Fact]
    public async Task A_value_out_of_range_is_not_taken()
    {
        await using var chat = await ChatSession.OpenAsync(browser);
        await chat.Button("Settings").ClickAsync();
        var dialog = chat.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("Temperature").FillAsync("3");
        await chat.Button("Save").ClickAsync();
        await Expect(dialog).ToBeVisibleAsync();
        await chat.Page.Keyboard.PressAsync("Escape");
        await Expect(dialog).ToBeHiddenAsync();
        await chat.AskAsync("head");
        Assert.Equal(1, chat.LastRequest.Sampling.Temperature);
    }

    [Fact]
    public async Task A_server_with_a_key_asks_for_it()
    {
        var server = await TestServer.StartAsync(new ServerOptions { ApiKeys = ["secret"] });
        await using var chat = await ChatSession.OpenAsync(browser, server);
        await Expect(chat.Banner).ToContainTextAsync("The request has no API key");
        await chat.Button("Enter the API key").ClickAsync();
        await Expect(chat.Page.GetByLabel("API key")).ToBeFocusedAsync();
        await chat.Page.GetByLabel("API key").FillAsync("secret");
        await chat.Page.GetByLabel("API key").PressAsync("Enter");
        await Expect(chat.Page.Locator("#model")).ToHaveTextAsync("tiny");
        await Expect(chat.Banner).ToBeEmptyAsync();
        await chat.AskAsync("head");
        await chat.Page.ReloadAsync();
        await Expect(chat.Page.Locator("#model")).ToHaveTextAsync("tiny");
        var stored = await chat.Page.EvaluateAsync<string>("() => JSON.stringify({...localStorage})");
        Assert.DoesNotContain("secret", stored, StringComparison.Ordinal);
    }
}
