using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Evaluation;
using Crosshead.Evaluation.Results;
using Crosshead.Evaluation.Scoring;
using Crosshead.Evaluation.Tasks;
using Crosshead.Server;
using Crosshead.Server.Hosting;
using Crosshead.Server.Loading;
using Crosshead.Tests.Cli;
using Crosshead.TextModels;

namespace Crosshead.Tests.Server;

/// <summary>
/// A real model behind the real engine, asked as lm-evaluation-harness asks it (its <c>local-completions</c>), by
/// <c>bench serve</c> and by <c>chat</c>.
/// </summary>
public sealed class RealClientTests : IAsyncLifetime
{
    private const int Seed = 1234; // lm-evaluation-harness sends it

    private readonly TemporaryFolder _folder = new();
    private ModelSource _files = null!;
    private LoadedModel _model = null!;
    private ModelServer _server = null!;
    private HttpClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _files = ModelSource.Open(SharedData.Path("data", "models", "stories260K"));
        var template = _folder.Write("chat.jinja", "{% for m in messages %}{{ m.content }} {% endfor %}");
        _model = LoadedModel.Load(_files, new LoadOptions { MaxSequences = 16, ChatTemplate = template });
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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Scoring_gives_the_counts_of_an_independent_implementation(bool bos)
    {
        const int PromptsPerCall = 50;
        var expected = JsonNode.Parse(File.ReadAllText(SharedData.Path("fixtures", "eval-stories260K.json")))!.AsArray()
            .Single(r => (string?)r!["task"] == "openbookqa" && (bool?)r["bos"] == bos)!;
        var (task, data) = Load("openbookqa", limit: null);
        var asks = new SampleRequests(_files.Tokenizer, _files.Options.Context,
            new EvaluationOptions { AddBegin = bos });
        ScoringRequest[] requests = [.. data.Samples.SelectMany(asks.Choices)];
        var scores = new List<RequestScore>();
        foreach (var call in requests.Chunk(PromptsPerCall)) scores.AddRange(await ScoreAsync(call));
        var result = new TaskResult
        {
            Task = task,
            Shots = 0,
            Samples = [.. data.Samples.Zip(scores.Chunk(4), (sample, own) => new SampleResult(sample, own, null, [],
                Truncated: false))],
        };
        Assert.All(data.Samples, sample => Assert.Equal(4, sample.Choices.Count));
        Assert.Equal((int)expected["n"]!, result.Samples.Count);
        Assert.Equal((double)expected["mean_gold_loglik"]!, result.MeanGoldLogLikelihood, 1e-2);
        Assert.Equal(((int)expected["acc_count"]!, (int)expected["acc_norm_count"]!),
            (Count(result, "acc"), Count(result, "acc_norm")));
    }

    [Fact]
    public async Task Written_answers_are_those_of_the_evaluation_in_process()
    {
        var (task, data) = Load("gsm8k", limit: 6);
        var options = new EvaluationOptions { EndTokens = _files.EndTokens };
        using var model = _files.LoadFrozen();
        using var evaluator = new TaskEvaluator(model, _files.Tokenizer, options);
        var expected = evaluator.Evaluate(task, data, cancellation: TestContext.Current.CancellationToken);
        var asks = new SampleRequests(_files.Tokenizer, _files.Options.Context, options);
        var room = asks.Room(task);
        var answers = await Task.WhenAll(data.Samples.Select(async sample => (string)(await AskAsync(new
        {
            prompt = new[] { asks.Prompt(sample, room).Tokens },
            model = "stories260K",
            max_tokens = room,
            temperature = 0,
            stop = task.Stop,
            seed = Seed,
        }))["choices"]![0]!["text"]!));
        Assert.Equal(expected.Samples.Select(s => s.Output), answers);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Each_answer_echoes_its_prompt_with_its_scores(int maxTokens)
    {
        var asks = new RequestEncoder(_files.Tokenizer, _files.Options.Context);
        ScoringRequest[] requests = [asks.Encode("Once upon a time", " there was a big tree."),
            asks.Encode("The dog", " é 7")];
        var expected = await ScoreAsync(requests);
        var answer = await AskAsync(new
        {
            prompt = requests.Select(r => r.Tokens),
            max_tokens = maxTokens,
            n = 2,
            best_of = 2,
            echo = true,
            logprobs = 3,
            temperature = 0,
        });
        var choices = answer["choices"]!.AsArray();
        Assert.Equal([0, 1, 2, 3], choices.Select(c => (int)c!["index"]!));
        foreach (var (i, choice) in choices.Index())
        {
            var request = requests[i / 2];
            var (scores, text) = (choice!["logprobs"]!, (string)choice["text"]!);
            string[] members = ["tokens", "token_logprobs", "top_logprobs", "text_offset"];
            Assert.All(members, m => Assert.Equal(request.Tokens.Length + maxTokens, scores[m]!.AsArray().Count));
            Assert.Null(scores["token_logprobs"]![0]);
            Assert.Null(scores["top_logprobs"]![0]);
            var own = scores["token_logprobs"]!.AsArray().Take(request.Tokens.Length).TakeLast(request.Predicted);
            Assert.Equal(expected[i / 2].LogLikelihood, own.Sum(t => (double)t!), 1e-9);
            Assert.All(scores["top_logprobs"]!.AsArray().Skip(1), top => Assert.InRange(top!.AsObject().Count, 3, 4));
            Assert.StartsWith(_files.Tokenizer.Decode(request.Tokens), text, StringComparison.Ordinal);
            Assert.Equal("length", (string)choice["finish_reason"]!);
        }
        Assert.Equal((requests.Sum(r => r.Tokens.Length), 4 * maxTokens),
            ((int)answer["usage"]!["prompt_tokens"]!, (int)answer["usage"]!["completion_tokens"]!));
    }

    [Fact]
    public async Task Bench_serve_counts_what_the_server_sends()
    {
        var run = await Task.Run(() => CliRun.Of("bench", "serve", _server.Address.ToString(), "--num-prompts", "12",
            "--concurrencies", "1,4", "--input-len", "40", "--output-len", "20", "--ignore-eos", "--json"));
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal("token ids", (string)run.Json["prompts"]!);
        Assert.All(run.Json["cases"]!.AsArray(), measured => Assert.Equal((12, 0, 12 * 40, 12 * 20, false),
            ((int)measured!["done"]!, (int)measured["failed"]!, (int)measured["promptTokens"]!,
                (int)measured["outputTokens"]!, (bool)measured["outputTokensAreChunks"]!)));
    }

    [Fact]
    public async Task Bench_serve_sends_every_kind_of_prompts_to_both_endpoints()
    {
        string[][] lines =
        [
            ["--dataset", "prefix", "--prefix-len", "70", "--input-len", "9", "--num-prompts", "6",
                "--output-len", "5"],
            ["--dataset", "sharegpt-like", "--endpoint", "chat", "--num-prompts", "3", "--output-len",
                "3", "--tokenizer",
                _files.Path, "--text", _folder.Write("text.txt", "Once upon a time there was a cat.")],
            ["--dataset", "long-mix", "--num-prompts", "4", "--output-len", "60", "--ignore-eos"],
        ];
        foreach (var line in lines)
        {
            var run = await Task.Run(
                () => CliRun.Of(["bench", "serve", _server.Address.ToString(), "--json", .. line]));
            Assert.True(run.ExitCode == 0, run.Error);
            var measured = run.Json["cases"]![0]!;
            // Lengths like ShareGPT's may be longer than the context of 512.
            if (!line.Contains("sharegpt-like")) Assert.Equal(0, (int)measured["failed"]!);
        }
    }

    [Fact]
    public async Task A_chat_through_the_server_is_the_chat_in_process()
    {
        string[] options = ["--temperature", "0", "--max-tokens", "12"];
        var folder = Directory.CreateDirectory(_folder.File("model")).FullName;
        foreach (var file in Directory.GetFiles(_files.Path))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        File.Copy(_folder.File("chat.jinja"), Path.Combine(folder, "chat_template.jinja"));
        const string Lines = "Once upon a time\nThe dog\n";
        var (served, inProcess) = await Task.Run(() => (
            CliRun.With(Lines, default, ["chat", _server.Address.ToString(), .. options]),
            CliRun.With(Lines, default, ["chat", folder, .. options])));
        Assert.True(served.ExitCode == 0, served.Error);
        Assert.True(served.Out.Length > 20, served.Out);
        Assert.Equal(inProcess.Out, served.Out);
    }

    private static int Count(TaskResult result, string metric) => result.Metrics.Single(m => m.Name == metric).Count;

    private static (EvaluationTask, TaskData) Load(string name, int? limit)
    {
        var task = TaskCatalog.Load().Resolve([name])[0];
        return (task, TaskData.Load(task, SharedData.Path("data", "eval"), shots: 0, limit));
    }

    // Reads the answer as lm-evaluation-harness does.
    private async Task<RequestScore[]> ScoreAsync(ScoringRequest[] requests)
    {
        var answer = await AskAsync(new
        {
            model = "stories260K",
            prompt = requests.Select(r => r.Tokens),
            temperature = 0,
            max_tokens = 1,
            logprobs = 1,
            seed = Seed,
            echo = true,
        });
        return [.. answer["choices"]!.AsArray().OrderBy(c => (int)c!["index"]!).Zip(requests, (choice, request) =>
        {
            var range = (request.Tokens.Length - request.Predicted)..^1;
            var tokens = choice!["logprobs"]!["token_logprobs"]!.AsArray().ToArray()[range];
            var tops = choice["logprobs"]!["top_logprobs"]!.AsArray().ToArray()[range];
            return new RequestScore(tokens.Sum(t => (double)t!), tokens.Zip(tops).All(
                p => (double)p.First! == p.Second!.AsObject().Max(t => (double)t.Value!)));
        })];
    }

    private async Task<JsonNode> AskAsync<T>(T body)
    {
        using var response = await _client.PostAsync("/v1/completions",
            TestServer.Json(JsonSerializer.Serialize(body)));
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonNode.Parse(text)!;
    }
}
