using Crosshead.Cli.Client;

namespace Crosshead.Tests.Cli.Client;

public sealed class ServerAddressTests
{
    [Theory]
    [InlineData("http://localhost:8080", "http://localhost:8080")]
    [InlineData("http://localhost:8080/", "http://localhost:8080")]
    [InlineData("http://localhost:8080/v1", "http://localhost:8080")]
    [InlineData("http://localhost:8080/v1/", "http://localhost:8080")]
    [InlineData("https://host/models/v1/chat/completions", "https://host/models")]
    [InlineData("https://host/v12", "https://host/v12")]
    [InlineData("HTTP://[::1]:80/x", "http://[::1]/x")]
    public void Endpoints_are_below_the_root(string text, string root)
    {
        var address = ServerAddress.Parse(text);
        Assert.Equal(root, address.ToString());
        Assert.Equal(root + "/v1/completions", address.Versioned("/completions").ToString());
        Assert.Equal(root + "/tokenize", address.Plain("/tokenize").ToString());
    }

    [Theory]
    [InlineData("localhost:8080")]
    [InlineData("ftp://host")]
    [InlineData("http://")]
    [InlineData("http://host?x=1")]
    [InlineData("")]
    public void Other_texts_are_refused(string text) => Assert.Equal(
        $"\"{text}\" is no address of a server; name its host and port, such as http://localhost:8080.",
        Assert.Throws<CrossheadException>(() => ServerAddress.Parse(text)).Message);
}
