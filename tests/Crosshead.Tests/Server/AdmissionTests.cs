using System.Net;
using Crosshead.Server;

namespace Crosshead.Tests.Server;

/// <summary>Who may ask: keys, their limits, and the names by which a server is known.</summary>
public sealed class AdmissionTests
{
    [Fact]
    public async Task Keys_are_needed_where_there_are_any()
    {
        await using var server = await TestServer.StartAsync(new ServerOptions { ApiKeys = ["first", "sécond"] });
        async Task<HttpResponseMessage> Ask(string path, string? authorization)
        {
            var message = new HttpRequestMessage(HttpMethod.Get, path);
            if (authorization is not null) message.Headers.TryAddWithoutValidation("Authorization", authorization);
            return await server.Client.SendAsync(message);
        }
        foreach (var wrong in (string?[])[null, "", "Bearer", "Bearer ", "Bearer firs", "Bearer first1", "Basic first",
            "first"])
            foreach (var path in (string[])["/v1/models", "/info", "/tokenizer_info", "/nowhere", "/openapi.json"])
            {
                using var refused = await Ask(path, wrong);
                Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
                Assert.Equal("Bearer", refused.Headers.WwwAuthenticate.Single().Scheme);
            }
        foreach (var right in (string[])["Bearer first", "bearer first", "Bearer  first "])
        {
            using var response = await Ask("/v1/models", right);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
        foreach (var open in (string[])["/health", "/live", "/metrics"])
        {
            using var response = await Ask(open, null);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
    }

    [Fact]
    public async Task A_key_that_has_sent_too_many_requests_is_told_when_to_send_the_next_and_others_are_answered()
    {
        await using var server = await TestServer.StartAsync(
            new ServerOptions { ApiKeys = ["first", "second"], RateLimit = 3 });
        async Task<HttpResponseMessage> Ask(string key, string path = "/v1/completions")
        {
            var message = new HttpRequestMessage(HttpMethod.Post, path);
            message.Content = TestServer.Json("""{"prompt":"a"}""");
            message.Headers.Authorization = new("Bearer", key);
            return await server.Client.SendAsync(message);
        }
        for (var i = 0; i < 3; i++)
            using (var answer = await Ask("first")) Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        using var refused = await Ask("first");
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.InRange(int.Parse(refused.Headers.GetValues("Retry-After").Single()), 1, 20);
        Assert.Matches("^{\"error\":{\"message\":\"this client has used its 3 requests a minute; try again in [0-9]+ s."
            + "\",\"type\":\"rate_limit_error\",\"param\":null,\"code\":\"rate_limit_exceeded\"}}$",
            await refused.Content.ReadAsStringAsync());
        using (var free = await Ask("first", "/tokenize")) Assert.Equal(HttpStatusCode.OK, free.StatusCode);
        using (var other = await Ask("second")) Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        Assert.Contains("reason=\"rate_limit_exceeded\"} 1", await server.GetAsync("/metrics"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pages_of_other_sites_are_refused_and_the_own_page_is_not()
    {
        await using var server = await TestServer.StartAsync();
        async Task<HttpStatusCode> From(string origin)
        {
            var message = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
            message.Headers.Add("Origin", origin);
            using var response = await server.Client.SendAsync(message);
            Assert.False(response.Headers.Contains("Access-Control-Allow-Origin"));
            return response.StatusCode;
        }
        Assert.Equal(HttpStatusCode.OK, await From($"http://127.0.0.1:{server.Client.BaseAddress!.Port}"));
        Assert.Equal(HttpStatusCode.Forbidden, await From("http://evil.example"));
        Assert.Equal(HttpStatusCode.Forbidden, await From("http://127.0.0.1:1"));
        Assert.Equal(HttpStatusCode.Forbidden, await From("null"));
    }

    // A page whose own name leads here is of the same origin for a browser.
    [Theory]
    [InlineData("127.0.0.1", null, null, HttpStatusCode.OK)]
    [InlineData("127.0.0.1:80", null, null, HttpStatusCode.OK)]
    [InlineData("[::1]:8080", null, null, HttpStatusCode.OK)]
    [InlineData("LocalHost:8080", null, null, HttpStatusCode.OK)]
    [InlineData("page.localhost", null, null, HttpStatusCode.OK)]
    [InlineData("evil.example", null, null, HttpStatusCode.Forbidden)]
    [InlineData("localhost.evil.example:8080", null, null, HttpStatusCode.Forbidden)]
    [InlineData("127.0.0.1.evil.example", null, null, HttpStatusCode.Forbidden)]
    [InlineData("notlocalhost", null, null, HttpStatusCode.Forbidden)]
    [InlineData("chat.example:443", "Chat.example", null, HttpStatusCode.OK)]
    [InlineData("evil.example", "chat.example", null, HttpStatusCode.Forbidden)]
    [InlineData("evil.example", null, "a key", HttpStatusCode.OK)]
    public async Task Requests_for_a_host_of_another_name_are_refused_where_no_key_is_needed(string host,
        string? allowed, string? key, HttpStatusCode expected)
    {
        await using var server = await TestServer.StartAsync(new ServerOptions
        {
            AllowedHosts = allowed is null ? [] : [allowed],
            ApiKeys = key is null ? [] : [key],
        });
        var message = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        message.Headers.Host = host;
        message.Headers.Add("Origin", $"http://{host}");
        if (key is not null) message.Headers.Authorization = new("Bearer", key);
        using var response = await server.Client.SendAsync(message);
        Assert.Equal(expected, response.StatusCode);
        if (expected == HttpStatusCode.Forbidden)
            Assert.Contains($"the host {host.Split(':')[0]}, and this server is not known by that name",
                await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory, InlineData("http://chat.example"), InlineData("chat.example:80"), InlineData(" ")]
    public async Task A_host_to_allow_is_a_name(string host)
    {
        var error = await Assert.ThrowsAsync<CrossheadException>(() =>
            TestServer.StartAsync(new ServerOptions { AllowedHosts = [host] }));
        Assert.StartsWith($"the host \"{host}\" is not a name; ", error.Message, StringComparison.Ordinal);
    }
}
