using Microsoft.Playwright;

namespace Crosshead.Tests.Server.Page;

/// <summary>The picture of the page in the README.</summary>
[Collection(ChatPageCollection.Name)]
public sealed class PictureTests(ChatBrowser browser)
{
    private const string Variable = "CROSSHEAD_ACCEPT_PICTURES";
    private const int MostBytes = 150_000;

    [Fact]
    public async Task The_picture_of_the_page_is_small_and_can_be_made_again()
    {
        var path = Repository.Path("docs/images/chat.png");
        var server = await ChatSession.AnsweringAsync(
            "Because most of a token's time is spent **reading the cache**. With half the heads in the cache:\n\n"
            + "- each step reads half the bytes,\n- twice as many sequences fit into the same memory.\n\n"
            + "The command is one line:\n\n```sh\ncrosshead compress models/llama --calibrate book.txt --cache 50%\n```");
        await using var chat = await ChatSession.OpenAsync(browser, server, new()
        {
            ViewportSize = new() { Width = 1000, Height = 640 },
            ColorScheme = ColorScheme.Light,
        });
        chat.Engine.Pause = () => Task.Delay(2);
        await chat.AskAsync("What is a good title for a note about caches?");
        await chat.Button("New chat").ClickAsync();
        await chat.AskAsync("Why does a smaller key/value cache make a model faster?");
        var picture = await chat.Page.ScreenshotAsync();
        Assert.InRange(picture.Length, 1, MostBytes);
        if (Environment.GetEnvironmentVariable(Variable) == "1") await File.WriteAllBytesAsync(path, picture);
        Assert.InRange(new FileInfo(path).Length, 1, MostBytes);
    }
}
