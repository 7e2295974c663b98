using Crosshead.Serving;
using static Microsoft.Playwright.Assertions;

namespace Crosshead.Tests.Server.Page;

/// <summary>What the page says when something goes wrong.</summary>
[Collection(ChatPageCollection.Name)]
public sealed class TroubleTests(ChatBrowser browser)
{
    [Fact]
    public async Task A_refusal_is_told_in_the_servers_words_and_can_be_tried_again()
    {
        await using var chat = await ChatSession.OpenAsync(browser);
        chat.Engine.Refusal = new EngineOverloadedException("the queue is full; ask later.", TimeSpan.FromSeconds(7));
        await chat.SendAsync("head");
        await Expect(chat.Banner).ToContainTextAsync("The queue is full; ask later. (Try again in 7 s.)");
        await Expect(chat.Answers).ToHaveCountAsync(0);
        chat.Engine.Refusal = null;
        await chat.Button("Try again").ClickAsync();
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one well");
        await Expect(chat.Banner).ToBeEmptyAsync();
        await Expect(chat.Questions).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task A_failure_within_an_answer_keeps_its_beginning()
    {
        await using var chat = await ChatSession.OpenAsync(browser, await ChatSession.AnsweringAsync("one well"));
        chat.Engine.FailsAfter = 1;
        await chat.SendAsync("head");
        await Expect(chat.Banner).ToContainTextAsync("The device is gone; start again.");
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one");
        await Expect(chat.Answers.Locator(".numbers")).ToContainTextAsync("broke off");
        await chat.Button("Close").ClickAsync();
        await Expect(chat.Banner).ToBeEmptyAsync();
        await Expect(chat.Input).ToBeFocusedAsync();
    }

    [Fact]
    public async Task A_stream_that_ends_early_is_told()
    {
        const string Begin = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\n\n";
        await using var chat = await ChatSession.OpenAsync(browser);
        foreach (var stream in (string[])["", Begin, Begin + "data: {\"choi", Begin + "data: oops\n\n"])
        {
            await chat.Page.UnrouteAllAsync();
            await chat.Page.RouteAsync("**/v1/chat/completions",
                route => route.FulfillAsync(new() { ContentType = "text/event-stream", Body = stream }));
            await chat.Button("New chat").ClickAsync();
            await chat.SendAsync("head");
            await Expect(chat.Banner).ToContainTextAsync("before the answer was whole.");
            await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync(stream == "" ? [] : ["one"]);
        }
    }

    [Fact]
    public async Task A_silent_stream_is_told_and_can_be_stopped()
    {
        await using var chat = await ChatSession.OpenAsync(browser, await ChatSession.AnsweringAsync("one well"),
            prepare: page => page.Clock.InstallAsync());
        var gate = new TaskCompletionSource();
        chat.Engine.Pause = () => gate.Task;
        await chat.SendAsync("head");
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one");
        await chat.Page.Clock.FastForwardAsync(40_000);
        await Expect(chat.Notice).ToBeEmptyAsync();
        await chat.Page.Clock.FastForwardAsync(10_000);
        await Expect(chat.Notice).ToContainTextAsync("The server has sent nothing for a while.");
        await chat.Button("Stop").ClickAsync();
        await Expect(chat.Notice).ToBeEmptyAsync();
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one");
    }

    [Fact]
    public async Task The_page_waits_for_a_server_that_loads()
    {
        await using var chat = await ChatSession.OpenAsync(browser, await TestServer.StartAsync(loaded: false),
            prepare: page => page.Clock.InstallAsync());
        await Expect(chat.Banner).ToContainTextAsync("ask again soon.");
        await chat.Page.RouteAsync("**/v1/models", route => route.FulfillAsync(new()
        {
            ContentType = "application/json",
            Body = """{"data":[{"id":"late","max_model_len":64}]}""",
        }));
        foreach (var path in (string[])["**/info", "**/tokenizer_info"])
            await chat.Page.RouteAsync(path, route => route.FulfillAsync(new()
            {
                ContentType = "application/json",
                Body = "{\"chat_template\":\"x\"}",
            }));
        await chat.Page.Clock.FastForwardAsync(6_000);
        await Expect(chat.Page.Locator("#model")).ToHaveTextAsync("late");
        await Expect(chat.Banner).ToBeEmptyAsync();
    }

    [Fact]
    public async Task A_server_that_is_gone_is_told()
    {
        await using var chat = await ChatSession.OpenAsync(browser);
        await Expect(chat.Page.Locator("#model")).ToHaveTextAsync("tiny");
        await chat.Page.RouteAsync("**/v1/**", route => route.AbortAsync());
        await chat.SendAsync("head");
        await Expect(chat.Banner).ToContainTextAsync("The server cannot be reached.");
        await chat.Page.UnrouteAllAsync();
        await chat.Questions.GetByText("Answer").ClickAsync();
        await Expect(chat.Answers.Locator(".body")).ToHaveTextAsync("one well");
    }

    [Fact]
    public async Task Text_of_a_model_is_never_markup()
    {
        const string Evil = """
            <script>window.evil = 1</script><img src=x onerror="window.evil = 1"><svg/onload=window.evil=1>

            [link](javascript:window.evil=1) [other](JaVaScRiPt:window.evil=1) <javascript:window.evil=1>
            [entity](java&#115;cript:window.evil=1) [quote](https://a.example/"onmouseover="window.evil=1)

            `<b>code</b>` **<i>bold</i>** <iframe srcdoc="<script>parent.evil=1</script>"></iframe>

            ```"><script>window.evil=1</script>
            </code></pre><script>window.evil = 1</script>
            ```
            # <style>*{display:none}</style>
            - <a href="javascript:window.evil=1">a</a>

            | <img src=x onerror=window.evil=1> | [x](javascript:window.evil=1) |
            |---|--:|
            | <script>window.evil=1</script> | <i>i</i> |
            """;
        var server = await TestServer.StartAsync(engine: new FakeEngine(TestServer.Tokenizer)
        {
            Context = 16_384,
            Answer = (_, _) => $"<think>{Evil}</think>{Evil}",
        });
        await using var chat = await ChatSession.OpenAsync(browser, server);
        await chat.AskAsync(Evil);
        await Expect(chat.Questions.Locator(".body")).ToHaveTextAsync(Evil);
        await Expect(chat.Answers.Locator(".body")).ToContainTextAsync("<script>window.evil = 1</script><img src=x");
        await Expect(chat.Answers.Locator(".body pre")).ToHaveTextAsync(
            "</code></pre><script>window.evil = 1</script>");
        await Expect(chat.Answers.Locator("td").First).ToHaveTextAsync("<script>window.evil=1</script>");
        var found = chat.Page.Locator("#conversation, nav").Locator(
            "script, img, svg, iframe, style, i, b, [onerror], [onmouseover], [onload], [href^='javascript' i]");
        await Expect(found).ToHaveCountAsync(0);
        await Expect(chat.Answers.Locator("a")).ToHaveCountAsync(1);
        await Expect(chat.Answers.Locator("a")).ToHaveAttributeAsync("rel", "noopener noreferrer");
        await chat.Page.ReloadAsync();
        await Expect(found).ToHaveCountAsync(0);
        Assert.True(await chat.Page.EvaluateAsync<bool>("() => window.evil === undefined"));
    }
}
