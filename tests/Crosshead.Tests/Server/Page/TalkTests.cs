using static Microsoft.Playwright.Assertions;

namespace Crosshead.Tests.Server.Page;

/// <summary>Messages and their answers.</summary>
[Collection(ChatPageCollection.Name)]
public sealed class TalkTests(ChatBrowser browser)
{
    [Fact]
    public async Task A_message_is_answered_with_its_numbers()
    {
        await using var chat = await ChatSession.OpenAsync(browser, await ChatSession.AnsweringAsync("one **well**"));
        var steps = new TaskCompletionSource();
        chat.Engine.Pause = () => steps.Task;
        await chat.SendAsync("the head");
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one");
        await Task.Delay(50); // a speed needs some time
        steps.SetResult();
        await chat.EndAsync();
        await Expect(chat.Questions.Locator(".body")).ToHaveTextAsync("the head");
        await Expect(chat.Answers.Locator(".body strong")).ToHaveTextAsync("well");
        Assert.Equal(["<user>the head<assistant>"], chat.Prompts);
        var numbers = chat.Answers.Locator(".numbers");
        await Expect(numbers).ToContainTextAsync("tokens/s");
        await Expect(numbers).ToContainTextAsync(
            $"1 of {chat.Engine.Calls[0].PromptTokens} tokens of the prompt from the cache");
        await Expect(chat.Page.Locator("#cache")).ToContainTextAsync("of the cache in use");
        await Expect(chat.Page.Locator("#cache")).ToContainTextAsync("11 % of all prompt tokens found in it");
        await Expect(chat.Page).ToHaveTitleAsync("tiny – Crosshead");
    }

    [Fact]
    public async Task An_answer_appears_while_it_is_written_and_can_be_stopped()
    {
        var steps = new SemaphoreSlim(0);
        await using var chat = await ChatSession.OpenAsync(browser, await ChatSession.AnsweringAsync("one well head"));
        chat.Engine.Pause = () => steps.WaitAsync();
        await chat.SendAsync("to");
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one");
        await Expect(chat.Answers).ToHaveAttributeAsync("aria-busy", "true");
        steps.Release();
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one well");
        await chat.Button("Stop").ClickAsync();
        await chat.EndAsync();
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one well");
        await Expect(chat.Answers.Locator(".numbers")).ToContainTextAsync("stopped");
        await TestServer.UntilAsync(() => chat.Engine.Calls[0].WasCancelled);
        await Expect(chat.Banner).ToBeEmptyAsync();
        // The rest is written by a request that goes on from the text.
        chat.Engine.Pause = null;
        chat.Engine.Answer = (_, _) => " another head";
        await chat.Button("Continue").ClickAsync();
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one well another head");
        Assert.Equal("<user>to<assistant>one well", chat.Prompts[^1]);
    }

    [Fact]
    public async Task An_answer_stopped_before_its_first_token_leaves_nothing()
    {
        await using var chat = await ChatSession.OpenAsync(browser);
        chat.Engine.Gate = new TaskCompletionSource().Task;
        await chat.SendAsync("to");
        await Expect(chat.Button("Stop")).ToBeVisibleAsync();
        await TestServer.UntilAsync(() => chat.Engine.Calls.Count == 1);
        await chat.Input.PressAsync("Escape");
        await Expect(chat.Button("Send")).ToBeVisibleAsync();
        await Expect(chat.Answers).ToHaveCountAsync(0);
        await Expect(chat.Questions).ToHaveCountAsync(1);
        await TestServer.UntilAsync(() => chat.Engine.Calls[0].WasCancelled);
    }

    [Fact]
    public async Task The_last_answer_is_written_anew()
    {
        await using var chat = await ChatSession.OpenAsync(browser, await ChatSession.AnsweringAsync("one", "two"));
        await chat.AskAsync("head");
        await chat.Button("Regenerate").ClickAsync();
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("two");
        Assert.Equal(chat.Prompts[0], chat.Prompts[1]);
        // A refusal keeps the answer that was there.
        await chat.EndAsync();
        chat.Engine.Refusal = new CrossheadException("the prompt does not fit.");
        await chat.Button("Regenerate").ClickAsync();
        await Expect(chat.Banner).ToContainTextAsync("The prompt does not fit.");
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("two");
    }

    [Fact]
    public async Task An_edited_message_is_answered_and_what_followed_goes()
    {
        await using var chat = await ChatSession.OpenAsync(browser,
            await ChatSession.AnsweringAsync("one", "two", "well"));
        await chat.AskAsync("head");
        await chat.AskAsync("heads");
        Assert.Equal("<user>head<assistant>one<user>heads<assistant>", chat.Prompts[1]);
        await chat.Questions.First.GetByText("Edit").ClickAsync();
        var editor = chat.Page.GetByLabel("Edit the message");
        await Expect(editor).ToHaveValueAsync("head");
        await editor.FillAsync("The head");
        await editor.PressAsync("Enter");
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("well");
        await Expect(chat.Questions).ToHaveCountAsync(1);
        Assert.Equal("<user>The head<assistant>", chat.Prompts[2]);
    }

    [Fact]
    public async Task An_edited_answer_is_kept_or_continued()
    {
        await using var chat = await ChatSession.OpenAsync(browser,
            await ChatSession.AnsweringAsync("one", " head", "well"));
        await chat.AskAsync("to");
        var editor = chat.Page.GetByLabel("Edit the message");
        await chat.Answers.GetByText("Edit").ClickAsync();
        await editor.FillAsync("nothing");
        await editor.PressAsync("Escape");
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one");
        await chat.Answers.GetByText("Edit").ClickAsync();
        await editor.FillAsync("another");
        await chat.Button("Save").ClickAsync();
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("another");
        Assert.Single(chat.Prompts);
        await chat.Answers.GetByText("Edit").ClickAsync();
        await editor.FillAsync("The");
        await chat.Button("Save and continue").ClickAsync();
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("The head");
        await chat.EndAsync();
        Assert.Equal("<user>to<assistant>The", chat.Prompts[1]);
        // Whoever sends another message gives up the edit.
        await chat.Answers.GetByText("Edit").ClickAsync();
        await chat.AskAsync("one");
        await Expect(editor).ToHaveCountAsync(0);
        Assert.Equal("<user>to<assistant>The head<user>one<assistant>", chat.Prompts[2]);
    }

    [Fact]
    public async Task Thoughts_are_folded_and_tool_calls_are_text()
    {
        await using var chat = await ChatSession.OpenAsync(browser, await ChatSession.AnsweringAsync(
            "<think>\nthe head\n</think>\n\none"));
        await chat.AskAsync("to");
        var details = chat.Answers.Locator("details");
        await Expect(details.Locator("div")).ToBeHiddenAsync();
        await details.Locator("summary").ClickAsync();
        await Expect(details.Locator("div")).ToContainTextAsync("the head");
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one");
    }

    [Fact]
    public async Task Tool_calls_are_shown_as_text()
    {
        string[] parts =
        [
            """{ "id":"c1","type":"function","function":{"name":"weather","arguments":""} }""",
            """{ "function":{"arguments":"{\"city\":"} }""",
            """{ "function":{"arguments":"\"<b>Rome</b>\"}"} }""",
        ];
        await using var chat = await ChatSession.OpenAsync(browser);
        await chat.Page.RouteAsync("**/v1/chat/completions", route => route.FulfillAsync(new()
        {
            ContentType = "text/event-stream",
            Body = string.Concat(parts.Select(part => "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":"
                + $"[{part.Replace("{ ", "{\"index\":0,")}]}}}}]}}\n\n"))
                + """data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""" + "\n\n"
                + "data: [DONE]\n\n",
        }));
        await chat.AskAsync("to");
        await Expect(chat.Answers).ToContainTextAsync("Tool call: weather");
        await Expect(chat.Answers.Locator("pre")).ToHaveTextAsync("""{"city":"<b>Rome</b>"}""");
    }

    [Fact]
    public async Task A_model_without_a_template_continues_the_text()
    {
        var server = await TestServer.StartAsync(engine: new FakeEngine(TestServer.Tokenizer),
            model: m => m with { ChatTemplate = null });
        await using var chat = await ChatSession.OpenAsync(browser, server);
        await Expect(chat.Page.GetByText("This model has no chat template.")).ToBeVisibleAsync();
        await chat.AskAsync("the head");
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one well");
        await chat.AskAsync("another");
        Assert.Equal(["the head", "the head one well\nanother"], chat.Prompts);
        Assert.Equal(256, chat.LastRequest.MaxTokens);
    }
}
