using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Evaluation.Scoring;
using Crosshead.Generation;
using Crosshead.Server;
using Crosshead.Server.Hosting;
using Crosshead.Server.Loading;
using Crosshead.TextModels;

namespace Crosshead.Tests.Server;

/// <summary>A real model behind the real engine: what it answers is what the library computes.</summary>
public sealed class RealModelTests : IAsyncLifetime
{
    private const string Story = "Once upon a time, there was a little girl named Lily. She loved to play outside.";

    private readonly TemporaryFolder _folder = new();
    private ModelSource _files = null!;
    private LoadedModel _model = null!;
    private ModelServer _server = null!;
    private HttpClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _files = ModelSource.Open(SharedData.Path("data", "models", "stories260K"));
        var template = _folder.Write("chat.jinja",
            "{{ bos_token }}{% for m in messages %}{{ m.content }} {% endfor %}");
        _model = LoadedModel.Load(_files, new LoadOptions
        {
            Deterministic = true, // as it always is on the CPU
            MaxSequences = 8,
            ChatTemplate = template,
            TakesRequestTemplates = true,
            Names = ["stories260K", "tiny"],
        });
        _server = await ModelServer.StartAsync(new ServerOptions { Port = 0 });
        _server.Serve(_model.Served);
        _client = new HttpClient { BaseAddress = _server.Address };
    }

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        if (_server is not null)
        {
            await _server.StopAsync();
            await _server.DisposeAsync();
        }
        _model?.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_template_of_a_request_may_write_the_models_special_tokens() => Assert.Equal("<s>Hi</s>",
        (string)(await AskAsync("/apply-template", new
        {
            messages = new[] { new { role = "user", content = "Hi" } },
            chat_template = "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}",
        }))["prompt"]!);

    [Fact]
    public async Task Scores_of_continuations_are_those_of_the_library()
    {
        var encoder = new RequestEncoder(_files.Tokenizer, _files.Options.Context);
        ScoringRequest[] requests =
        [
            .. from context in (string[])["Once upon a time", Story, "The dog was", "Tom and Anna went to the park."]
               from end in (string[])[" happy.", " there was a big tree", " xyz € 7", "."]
               select encoder.Encode(context, end),
        ];
        using var model = _files.LoadFrozen();
        var expected = new LikelihoodScorer(model).Score(requests);
        var answer = await AskAsync("/v1/completions", new
        {
            prompt = requests.Select(r => r.Tokens),
            temperature = 0,
            max_tokens = 1,
            logprobs = 1,
            seed = 1234,
            echo = true,
        });
        var choices = answer["choices"]!.AsArray().OrderBy(c => (int)c!["index"]!).ToArray();
        for (var i = 0; i < requests.Length; i++)
        {
            var tokens = choices[i]!["logprobs"]!["token_logprobs"]!.AsArray().Select(t => (float?)t).ToArray();
            var tops = choices[i]!["logprobs"]!["top_logprobs"]!.AsArray();
            Assert.Equal(requests[i].Tokens.Length + 1, tokens.Length);
            var range = ^(requests[i].Predicted + 1)..^1;
            Assert.Equal(expected[i].LogLikelihood, tokens[range].Sum(t => (double)t!), 1e-3);
            Assert.Equal(expected[i].Greedy, tokens[range].Zip(tops.ToArray()[range]).All(
                p => p.First == p.Second!.AsObject().Max(t => (float)t.Value!)));
        }
    }

    [Fact]
    public async Task Answers_side_by_side_are_those_of_each_alone()
    {
        string[] prompts = ["Once upon a time", "The dog", "Tom", "Anna went to", Story, "One day, a", "Big",
            "She said", "They saw", "It was"];
        using var alone = TextModel.Load(_files);
        var expected = prompts.Select(
            p => alone.Generate(p, new() { MaxTokens = 40, Sampling = SamplingOptions.Greedy }));
        var answers = await Task.WhenAll(prompts.Select(p => AskAsync("/v1/completions",
            new { prompt = p, max_tokens = 40, temperature = 0 })));
        Assert.Equal(expected.Select(e => e.Text), answers.Select(a => (string)a["choices"]![0]!["text"]!));
    }

    [Fact]
    public async Task A_computed_beginning_is_found_and_changes_nothing()
    {
        var body = new { prompt = string.Concat(Enumerable.Repeat(Story, 5)), max_tokens = 20, temperature = 0 };
        var (first, second) = (await AskAsync("/v1/completions", body), await AskAsync("/v1/completions", body));
        Assert.Equal(0, Cached(first));
        Assert.True(Cached(second) > 0 && Cached(second) % 64 == 0, $"{Cached(second)}");
        Assert.Equal((string)first["choices"]![0]!["text"]!, (string)second["choices"]![0]!["text"]!);

        static int Cached(JsonNode answer) => (int)answer["usage"]!["prompt_tokens_details"]!["cached_tokens"]!;
    }

    [Fact]
    public async Task A_seed_gives_the_same_answers_again_and_is_told()
    {
        var body = new { prompt = "Once", max_tokens = 25, n = 3, seed = 42, temperature = 1.0 };
        var (one, two) = (await AskAsync("/v1/completions", body), await AskAsync("/v1/completions", body));
        Assert.Equal(Texts(one), Texts(two));
        Assert.Equal(3, Texts(one).Distinct().Count());
        using var response = await PostAsync("/v1/completions", new { prompt = "Once", max_tokens = 25 });
        var seed = long.Parse(response.Headers.GetValues("X-Crosshead-Seed").Single(),
            System.Globalization.CultureInfo.InvariantCulture);
        var drawn = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        var again = await AskAsync("/v1/completions", new { prompt = "Once", max_tokens = 25, seed });
        Assert.Equal(Texts(drawn), Texts(again));
    }

    [Fact]
    public async Task A_streamed_chat_is_the_plain_one()
    {
        var messages = new[] { new { role = "user", content = "Once upon a time" } };
        var plain = await AskAsync("/v1/chat/completions", new { messages, max_tokens = 40, temperature = 0 });
        using var response = await PostAsync("/v1/chat/completions",
            new { messages, max_tokens = 40, temperature = 0, stream = true });
        var text = new StringBuilder();
        foreach (var line in (await response.Content.ReadAsStringAsync()).Split('\n'))
            if (line.StartsWith("data: {", StringComparison.Ordinal))
                text.Append((string?)JsonNode.Parse(line[6..])!["choices"]![0]!["delta"]!["content"]);
        Assert.Equal((string)plain["choices"]![0]!["message"]!["content"]!, text.ToString());
        Assert.True(text.Length > 40);
    }

    [Fact]
    public async Task Forms_hold_whatever_the_model_would_say()
    {
        var choice = await AskAsync("/v1/completions", new
        {
            prompt = "Once",
            structured_outputs = new { choice = new[] { "quantum", "zebra" } },
        });
        Assert.Contains(Texts(choice)[0], (string[])["quantum", "zebra"]);
        var number = await AskAsync("/v1/completions", new
        {
            prompt = "Once",
            max_tokens = 300, // up to 32 blanks between the parts
            structured_outputs = new
            {
                json = new
                {
                    type = "object",
                    properties = new { n = new { type = "integer", minimum = 3, maximum = 5 } },
                    required = (string[])["n"],
                },
            },
        });
        Assert.Equal("stop", (string)number["choices"]![0]!["finish_reason"]!);
        Assert.InRange((int)JsonNode.Parse(Texts(number)[0])!["n"]!, 3, 5);
    }

    [Fact]
    public async Task A_stop_text_is_told_and_left_out()
    {
        var answer = await AskAsync("/v1/completions",
            new { prompt = "Once upon a time", max_tokens = 60, temperature = 0, stop = new[] { "named", "zzz" } });
        var choice = answer["choices"]![0]!;
        Assert.Equal(("stop", "named"), ((string)choice["finish_reason"]!, (string)choice["stop_reason"]!));
        Assert.EndsWith("little girl ", Texts(answer)[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mutated_bodies_find_no_fault_and_leave_nothing_behind()
    {
        var faults = new List<string>();
        await Parallel.ForAsync(0, 2000, new ParallelOptions { MaxDegreeOfParallelism = 16 },
            async (i, cancellation) =>
            {
                var (path, body) = FuzzTests.Mutated(i);
                var content = new ByteArrayContent(body) { Headers = { ContentType = new("application/json") } };
                using var response = await _client.PostAsync(path, content, cancellation);
                if ((int)response.StatusCode is 200 or 400 or 404) return;
                var text = await response.Content.ReadAsStringAsync(cancellation);
                lock (faults) faults.Add($"{i}: {response.StatusCode} {text} for {Encoding.UTF8.GetString(body)}");
            });
        Assert.Empty(faults);
        await TestServer.UntilAsync(() => _model.Served.Engine.Statistics is { Running: 0, Waiting: 0 } now
            && now.FreePages + now.CachedPages == now.Pages);
    }

    [Fact]
    public async Task A_client_that_vanishes_gives_its_pages_back()
    {
        using var gone = new CancellationTokenSource();
        var asked = _client.PostAsync("/v1/completions",
            Json(new { prompt = "Once", max_tokens = 400, ignore_eos = true, n = 4, stream = false }), gone.Token);
        var engine = _model.Served.Engine;
        await TestServer.UntilAsync(() => engine.Statistics.Running == 4 || asked.IsCompleted);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        await TestServer.UntilAsync(() => engine.Statistics is { Running: 0, Waiting: 0 } now
            && now.FreePages + now.CachedPages == now.Pages);
    }

    private static string[] Texts(JsonNode answer) =>
        [.. answer["choices"]!.AsArray().Select(c => (string)c!["text"]!)];

    private static StringContent Json<T>(T body) => TestServer.Json(JsonSerializer.Serialize(body));

    private Task<HttpResponseMessage> PostAsync<T>(string path, T body) => _client.PostAsync(path, Json(body));

    private async Task<JsonNode> AskAsync<T>(string path, T body)
    {
        using var response = await PostAsync(path, body);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, text);
        return JsonNode.Parse(text)!;
    }
}
