using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Crosshead.Server;
using Crosshead.Server.Fields;
using Crosshead.Tests.Architecture;

namespace Crosshead.Tests.Server;

/// <summary>What cannot be answered is refused with a status, a kind, a field and a sentence.</summary>
public sealed class RefusalTests
{
    private static readonly HttpStatusCode[] s_refusals = [HttpStatusCode.BadRequest, HttpStatusCode.NotFound,
        HttpStatusCode.MethodNotAllowed];

    [Fact]
    public async Task Refusals_are_the_accepted_ones()
    {
        await using var server = await TestServer.StartAsync();
        var all = new StringBuilder();
        var requests = BadRequests.All().ToArray();
        Assert.True(requests.Length >= 120);
        foreach (var (path, body) in requests)
        {
            using var response = await server.PostAsync(path, body);
            var text = await response.Content.ReadAsStringAsync();
            Assert.True(s_refusals.Contains(response.StatusCode), $"{response.StatusCode} for {body}: {text}");
            Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
            var error = JsonNode.Parse(text)!["error"]!;
            Assert.Equal(["message", "type", "param", "code"], error.AsObject().Select(p => p.Key));
            all.Append($"{path} {(body.Length <= 200 ? body : body[..60] + " … " + body[^20..])}\n");
            all.Append($"    {(int)response.StatusCode} {error["type"]} {error["code"]} {error["param"] ?? "-"}: "
                + $"{error["message"]}\n");
        }
        Assert.Empty(server.Engine.Calls);
        Snapshot.Match("refusals.txt", all.ToString());
    }

    [Fact]
    public async Task Values_that_ask_for_nothing_are_taken()
    {
        await using var server = await TestServer.StartAsync();
        var tried = 0;
        foreach (var (path, body, table) in new[]
        {
            ("/v1/completions", "\"prompt\":\"the\"", CompletionFields.Table),
            ("/v1/chat/completions", "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]", ChatFields.Table),
        })
            foreach (var field in table.All.OfType<RefusedField>())
                foreach (var value in field.Harmless.Append("null"))
                {
                    using var response = await server.PostAsync(path, $"{{{body},\"{field.Name}\":{value}}}");
                    Assert.True(response.IsSuccessStatusCode, $"{path} {field.Name} {value}");
                    Assert.False(response.Headers.Contains("X-Crosshead-Ignored"));
                    tried++;
                }
        Assert.True(tried > 80);
        await server.AskAsync("/v1/chat/completions",
            """{"messages":[{"role":"user","content":"Hi"}],"top_logprobs":0}""");
    }

    [Fact]
    public async Task A_verb_that_an_address_does_not_know_is_refused_with_those_it_knows()
    {
        await using var server = await TestServer.StartAsync();
        using var put = await server.Client.PutAsync("/v1/completions", TestServer.Json("{}"));
        Assert.Equal((HttpStatusCode.MethodNotAllowed, "POST"), (put.StatusCode, put.Content.Headers.Allow.Single()));
        using var post = await server.PostAsync("/health", "{}");
        Assert.Equal(["GET", "HEAD"], post.Content.Headers.Allow);
        using var head = await server.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/v1/models"));
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
    }

    [Theory]
    [InlineData("text/plain", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("application/x-www-form-urlencoded", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("multipart/form-data; boundary=x", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("application/json; charset=utf-8", HttpStatusCode.OK)]
    [InlineData("APPLICATION/JSON", HttpStatusCode.OK)]
    [InlineData("application/vnd.api+json", HttpStatusCode.OK)]
    [InlineData(null, HttpStatusCode.OK)]
    public async Task Only_JSON_is_read(string? type, HttpStatusCode status)
    {
        await using var server = await TestServer.StartAsync();
        var content = new ByteArrayContent("{\"prompt\":\"a\"}"u8.ToArray());
        if (type is not null) Assert.True(content.Headers.TryAddWithoutValidation("Content-Type", type));
        using var response = await server.Client.PostAsync("/v1/completions", content);
        Assert.Equal(status, response.StatusCode);
    }

    [Theory]
    [InlineData("gzip", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("identity", HttpStatusCode.OK)]
    public async Task A_body_is_read_as_it_is(string encoding, HttpStatusCode status)
    {
        await using var server = await TestServer.StartAsync();
        var content = TestServer.Json("{\"prompt\":\"a\"}");
        content.Headers.ContentEncoding.Add(encoding);
        using var response = await server.Client.PostAsync("/v1/completions", content);
        Assert.Equal(status, response.StatusCode);
    }

    [Fact]
    public async Task A_mark_of_UTF8_before_the_body_is_passed_over()
    {
        await using var server = await TestServer.StartAsync();
        var content = new ByteArrayContent([.. Encoding.UTF8.Preamble, .. "{\"prompt\":\"a\"}"u8]);
        using var response = await server.Client.PostAsync("/v1/completions", content);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Bytes_that_are_not_UTF8_are_refused()
    {
        await using var server = await TestServer.StartAsync();
        var content = new ByteArrayContent([.. "{\"prompt\":\""u8, 0xFF, 0xFE, .. "\"}"u8]);
        content.Headers.ContentType = new("application/json");
        using var response = await server.Client.PostAsync("/v1/completions", content);
        Assert.Contains("is not UTF-8", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_beyond_the_limit_is_refused(bool chunked)
    {
        await using var server = await TestServer.StartAsync(new ServerOptions { MaxBody = 4096 });
        var message = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = TestServer.Json($$"""{"prompt":"{{new string('a', 100_000)}}"}"""),
        };
        message.Headers.TransferEncodingChunked = chunked;
        message.Headers.ExpectContinue = true; // a client that waits does not write into a closed connection
        using var response = await server.Client.SendAsync(message);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Contains("larger than 4096 bytes", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"prompt":"a","x":DEEP}""", 1_000_000)]
    [InlineData("""{"prompt":DEEP}""", 1_000_000)]
    [InlineData("""{"logit_bias":DEEP}""", 63)]
    public async Task Deep_JSON_is_refused_or_read_and_nothing_breaks(string body, int depth)
    {
        await using var server = await TestServer.StartAsync();
        var deep = new string('[', depth) + new string(']', depth);
        using var response = await server.PostAsync("/v1/completions",
            body.Replace("DEEP", deep, StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("""{"status":"ok"}""", await server.GetAsync("/health"));
    }

    [Fact]
    public async Task Unknown_fields_are_named_and_counted_and_the_rest_is_answered()
    {
        await using var server = await TestServer.StartAsync();
        using var response = await server.PostAsync("/v1/completions",
            """{"prompt":"a","CustomHeaders":{},"options":{},"été,\n":1,"user":"me"}""");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("CustomHeaders, options, ?t???", response.Headers.GetValues("X-Crosshead-Ignored").Single());
        Assert.Contains("crosshead:ignored_fields_total{model_name=\"tiny\"} 3\n", await server.GetAsync("/metrics"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_asks_for_nothing_is_taken()
    {
        await using var server = await TestServer.StartAsync();
        await server.AskAsync("/v1/completions", """
            {"prompt":"a","suffix":"","best_of":1,"logit_bias":{},"stop":[],"use_beam_search":false,"n":1.0,
             "max_tokens":2,"max_completion_tokens":2,"top_k":-1,"priority":0,"temperature":null,"guided_json":null,
             "metadata":{"a":[1]},"stream_options":null,"seed":-5,"stop_token_ids":[]}
            """);
        await server.AskAsync("/v1/chat/completions", """
            {"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}],"tool_choice":"none",
             "functions":[],"modalities":["text"],"response_format":{"type":"text"},"parallel_tool_calls":true}
            """);
        var request = server.Engine.Calls[0].Request;
        Assert.Equal((-5L, 0, 2), (request.Sampling.Seed, request.Sampling.TopK, request.MaxTokens));
    }
}
