using Crosshead.Server;
using Crosshead.Server.Hosting;
using Crosshead.Server.Loading;
using Crosshead.TextModels;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Crosshead.Tests.Server.Page;

/// <summary>
/// The picture of the page in the README: a real model that continues stories. <c>CROSSHEAD_ACCEPT_PICTURES=1</c>
/// writes it again.
/// </summary>
[Collection(ChatPageCollection.Name)]
public sealed class PictureTests(ChatBrowser browser)
{
    private const string Variable = "CROSSHEAD_ACCEPT_PICTURES";
    private const int MostBytes = 150_000;

    private static readonly string s_path = Repository.Path("docs/images/chat.png");

    [Fact]
    public async Task The_picture_of_the_page_shows_a_real_model_and_is_small()
    {
        var folder = SharedData.Path("data", "models", "stories260K");
        var chromium = await browser.GetAsync();
        await using var server = await ModelServer.StartAsync(new ServerOptions { Port = 0 });
        using var model = LoadedModel.Load(ModelSource.Open(folder),
            new LoadOptions { CacheMemory = 16 << 20, MaxSequences = 4, Names = ["stories260K"] });
        server.Serve(model.Served);
        await using var context = await chromium.NewContextAsync(new()
        {
            ViewportSize = new() { Width = 1000, Height = 640 },
            ColorScheme = ColorScheme.Light,
        });
        var page = await context.NewPageAsync();
        await page.GotoAsync(server.Address.ToString());
        await page.Locator("#settings-open").ClickAsync();
        await page.GetByLabel("Temperature").FillAsync("0");
        await page.GetByLabel("Most tokens per answer").FillAsync("110");
        await page.GetByText("Save", new() { Exact = true }).ClickAsync();
        foreach (var beginning in (string[])["One day, a big dog", "Once upon a time, there was a"])
        {
            await page.Locator("#new-chat").ClickAsync();
            await page.GetByLabel("Message", new() { Exact = true }).FillAsync(beginning);
            await page.Keyboard.PressAsync("Enter");
            await Expect(page.Locator(".numbers")).ToContainTextAsync("110 tokens");
        }
        await page.GetByLabel("Message", new() { Exact = true }).BlurAsync();
        await page.Mouse.MoveAsync(640, 300);
        var picture = await page.ScreenshotAsync();
        await server.StopAsync();
        Assert.InRange(picture.Length, 1, MostBytes);
        if (Environment.GetEnvironmentVariable(Variable) == "1") await File.WriteAllBytesAsync(s_path, picture);
    }

    [Fact]
    public void The_stored_picture_is_small() => Assert.InRange(new FileInfo(s_path).Length, 1, MostBytes);
}
