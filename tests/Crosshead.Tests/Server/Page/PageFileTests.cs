using System.Net;
using Crosshead.Server;
using Crosshead.Server.Page;

namespace Crosshead.Tests.Server.Page;

public sealed class PageFileTests
{
    [Theory]
    [InlineData("/", "text/html; charset=utf-8")]
    [InlineData("/page.js", "text/javascript; charset=utf-8")]
    [InlineData("/scripts/blocks.js", "text/javascript; charset=utf-8")]
    [InlineData("/page.css", "text/css; charset=utf-8")]
    public async Task A_file_is_sent_with_a_strict_policy(string path, string type)
    {
        await using var server = await TestServer.StartAsync(loaded: false);
        using var response = await server.Client.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(type, response.Content.Headers.ContentType!.ToString());
        Assert.Equal("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
            + "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            Assert.Single(response.Headers.GetValues("Content-Security-Policy")));
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        Assert.True((await response.Content.ReadAsByteArrayAsync()).Length > 1000);
    }

    [Fact]
    public async Task A_file_that_the_browser_has_is_not_sent_again()
    {
        await using var server = await TestServer.StartAsync();
        using var first = await server.Client.GetAsync("/page.js");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/page.js");
        request.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        using var second = await server.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
        Assert.Empty(await second.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Head_tells_the_length_alone()
    {
        await using var server = await TestServer.StartAsync();
        using var response = await server.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/page.css"));
        var file = ChatPage.Files.Single(f => f.Path == "/page.css");
        Assert.Equal(file.Bytes.Length, response.Content.Headers.ContentLength);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task The_page_needs_no_key()
    {
        await using var server = await TestServer.StartAsync(new ServerOptions { ApiKeys = ["secret"] });
        foreach (var file in ChatPage.Files)
            using (var response = await server.Client.GetAsync(file.Path))
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    // The safe way to show a text is a text node. These make markup or code of a text.
    [Theory]
    [InlineData("innerHTML")]
    [InlineData("outerHTML")]
    [InlineData("insertAdjacentHTML")]
    [InlineData("document.write")]
    [InlineData("DOMParser")]
    [InlineData("createContextualFragment")]
    [InlineData("eval(")]
    [InlineData("new Function")]
    [InlineData("srcdoc")]
    public void The_scripts_make_no_markup_of_text(string way)
    {
        var scripts = Directory.GetFiles(Repository.Path("src/Crosshead.Server/Page"), "*.js",
            SearchOption.AllDirectories);
        Assert.Equal(scripts.Length, ChatPage.Files.Count(f => f.Path.EndsWith(".js", StringComparison.Ordinal)));
        foreach (var script in scripts)
            Assert.DoesNotContain(way, File.ReadAllText(script), StringComparison.Ordinal);
    }

    [Fact]
    public void The_scripts_are_short()
    {
        foreach (var script in Directory.GetFiles(Repository.Path("src/Crosshead.Server/Page"), "*.js",
            SearchOption.AllDirectories))
        {
            var lines = File.ReadAllLines(script);
            Assert.True(lines.Length <= 170 && lines.Max(l => l.Length) <= 120, script);
        }
    }
}
