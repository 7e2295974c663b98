using System.IO.Pipes;
using System.Text;
using System.Text.Json.Nodes;
using Crosshead.Generation;
using Crosshead.TextModels;
using Crosshead.TextModels.Prompts;
using static TorchSharp.torch;

namespace Crosshead.Tests.TextModels.Prompts;

public sealed class PromptRunTests : IDisposable
{
    private static readonly GenerationOptions s_options =
        new() { MaxTokens = 12, Batch = 4, Sampling = new SamplingOptions { Seed = 5 } };

    private readonly TemporaryFolder _folder = new();
    private TextModel? _model;

    public PromptRunTests() => SmallTextModel.Save(_folder.Path);

    private TextModel Model => _model ??= TextModel.Load(_folder.Path);

    public void Dispose()
    {
        _model?.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Answers_are_those_of_the_prompts_given_at_once_in_the_order_of_the_file()
    {
        var file = Write(20);
        using var run = Model.Start([.. Enumerable.Range(0, 20).Select(Prompt)], s_options);
        foreach (var _ in run.Tokens(TestContext.Current.CancellationToken)) { }
        var (result, lines) = Run(file, s_options);
        Assert.Equal((20, 0), (result.Answers, result.Earlier));
        for (var i = 0; i < 20; i++)
        {
            var expected = run.Sequences[i];
            Assert.Equal(new JsonObject
            {
                ["index"] = i,
                ["prompt"] = Prompt(i),
                ["text"] = expected.Text,
                ["promptTokens"] = SmallTextModel.Tokenizer.Encode(Prompt(i)).Length,
                ["tokens"] = expected.Ids.Count,
                ["stop"] = "length",
            }.ToJsonString(), JsonNode.Parse(lines[i])!.ToJsonString());
        }
    }

    [Fact]
    public void A_line_has_options_of_its_own_an_id_and_messages()
    {
        File.WriteAllText(_folder.File("chat_template.jinja"),
            "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}word1");
        var seeded = Model.Generate("word3", s_options with { MaxTokens = 7, Sampling = new() { Seed = 9 } });
        var free = Model.Generate("word4", s_options with { Sampling = SamplingOptions.Greedy });
        var reply = Model.Reply([new("user", "word5")], s_options with { Sampling = SamplingOptions.Greedy });
        var stop = free.Text[2..4];
        var file = _folder.Write("in.jsonl", $$"""
            {"id": "é", "text": "word3", "max_tokens": 7, "seed": 9}
            {"prompt": "word4", "temperature": 0, "stop": [{{JsonValue.Create(stop).ToJsonString()}}], "top_k": null}
            {"messages": [{"role": "user", "content": "word5"}], "temperature": 0, "id": 3}
            """);
        var lines = Run(file, s_options).Lines.Select(l => JsonNode.Parse(l)!).ToArray();
        Assert.Equal(("é", "word3", seeded.Text), ((string)lines[0]["id"]!, (string)lines[0]["prompt"]!,
            (string)lines[0]["text"]!));
        Assert.Equal("""{"max_tokens":7,"seed":9}""", lines[0]["options"]!.ToJsonString());
        Assert.Equal((free.Text[..free.Text.IndexOf(stop, StringComparison.Ordinal)], "stop", stop),
            ((string)lines[1]["text"]!, (string)lines[1]["stop"]!, (string)lines[1]["options"]!["stop"]![0]!));
        Assert.Equal((reply.Text, "user"),
            ((string)lines[2]["text"]!, (string)lines[2]["messages"]![0]!["role"]!));
    }

    [Theory]
    [InlineData(ScalarType.Float32)] // where an answer does not depend on its neighbours
    [InlineData(ScalarType.Float64)] // where it may: blocks of 16 batches
    public void An_interrupted_run_goes_on_to_the_same_bytes(ScalarType type)
    {
        using var model = TextModel.Load(_folder.Path, type);
        var options = s_options with { Batch = 2 };
        var file = Write(80);
        Run(file, options, model, "whole.jsonl");
        var path = _folder.File("parts.jsonl");
        foreach (var after in new[] { 3, 50, 51 })
        {
            using var stop = new CancellationTokenSource();
            Assert.Throws<OperationCanceledException>(() => new PromptRun(model, PromptFile.Open(file), options)
                .WriteTo(path, progress: new ImmediateProgress<PromptProgress>(p =>
                {
                    if (p.Answers >= after) stop.Cancel();
                }), cancellation: stop.Token));
            Assert.InRange(File.ReadLines(path).Count(), after, 79);
            Assert.True(File.Exists(PromptRun.UnfinishedOf(path)));
        }
        File.AppendAllText(path, "{\"index\":99,\"prom"); // as a killed process leaves it
        var result = Run(file, options, model, "parts.jsonl").Result;
        Assert.InRange(result.Earlier, 51, 79);
        Assert.Equal(80, result.Answers);
        Assert.Equal(File.ReadAllText(_folder.File("whole.jsonl")), File.ReadAllText(path));
        Assert.False(File.Exists(PromptRun.UnfinishedOf(path)));
    }

    [Fact]
    public void A_run_without_a_seed_goes_on_with_the_one_it_drew()
    {
        var (file, path) = (Write(20), _folder.File("out.jsonl"));
        var free = s_options with { Sampling = new SamplingOptions() };
        Interrupt(file, path, free);
        var result = Run(file, free, name: "out.jsonl").Result;
        Run(file, s_options with { Sampling = new SamplingOptions { Seed = result.Seed } }, name: "again.jsonl");
        Assert.Equal(File.ReadAllText(_folder.File("again.jsonl")), File.ReadAllText(path));
    }

    [Fact]
    public void A_file_that_cannot_begin_is_not_there_or_stays_as_it_was()
    {
        var (file, path) = (Write(3), _folder.File("out.jsonl"));
        Directory.CreateDirectory(PromptRun.UnfinishedOf(path)); // in the way
        Assert.Throws<CrossheadException>(() => Run(file, s_options, name: "out.jsonl"));
        Assert.False(File.Exists(path));
        File.WriteAllText(path, "earlier");
        Assert.Throws<CrossheadException>(
            () => new PromptRun(Model, PromptFile.Open(file), s_options).WriteTo(path, overwrite: true));
        Assert.Equal("earlier", File.ReadAllText(path));
    }

    [Fact]
    public void What_does_not_belong_to_an_unfinished_file_is_refused_and_changes_nothing()
    {
        var (file, path) = (Write(20), _folder.File("out.jsonl"));
        Interrupt(file, path, s_options);
        var before = File.ReadAllText(path);
        string Refused(string prompts, GenerationOptions options) => Assert.Throws<CrossheadException>(
            () => new PromptRun(Model, PromptFile.Open(prompts), options).WriteTo(path)).Message;
        Assert.Contains("maxTokens is 13 here and 12 there", Refused(file, s_options with { MaxTokens = 13 }));
        Assert.Contains("seed is 6 here and 5 there",
            Refused(file, s_options with { Sampling = new SamplingOptions { Seed = 6 } }));
        var others = _folder.Write("others.jsonl", File.ReadAllText(file).Replace("word2 ", "word20 "));
        Assert.Contains($"line 3, is no answer to line 3 of {others}", Refused(others, s_options));
        Assert.Contains("has only 1 prompts", Refused(_folder.Write("few.jsonl",
            File.ReadLines(file).First() + "\n"), s_options));
        Assert.Equal(before, File.ReadAllText(path));
        using (new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
            Assert.Contains("cannot be written", Refused(file, s_options));

        Run(file, s_options with { Batch = 3 }, name: "out.jsonl"); // of no consequence on the processor
        Assert.Contains("exists already", Refused(file, s_options));
        new PromptRun(Model, PromptFile.Open(others), s_options).WriteTo(path, overwrite: true);
        Assert.Contains("word20 ", File.ReadAllText(path));
    }

    [Theory]
    [InlineData("\n", "line 2 is blank; remove it")]
    [InlineData("word\n", "line 2 (word) is no JSON object")]
    [InlineData("{\"prompt\": \"x\"", "line 2 ({\"prompt\": \"x\") is no JSON object: it ends within")]
    [InlineData("{\"prompt\": \"x\", \"prompt\": \"y\"}", "the key \"prompt\" stands there twice")]
    [InlineData("{\"max_tokens\": 3}", "line 2: {\"max_tokens\": 3} must have one of prompt, text, messages")]
    [InlineData("{\"prompt\": \"x\", \"text\": \"y\"}", "must have one of prompt, text, messages")]
    [InlineData("{\"prompt\": 7}", "line 2: the prompt (7) must be a text")]
    [InlineData("{\"promt\": \"x\"}", "line 2: the key \"promt\" is unknown; did you mean \"prompt\"?")]
    [InlineData("{\"prompt\": \"x\", \"max_tokens\": 0}", "line 2: maxTokens (0) must be at least 1")]
    [InlineData("{\"prompt\": \"x\", \"max_tokens\": 1.5}", "line 2: max_tokens (1.5) must be a whole number")]
    [InlineData("{\"prompt\": \"x\", \"temperature\": \"hot\"}", "line 2: temperature (\"hot\") must be a number")]
    [InlineData("{\"prompt\": \"x\", \"temperature\": 101}", "line 2: temperature (101) is out of range; use 0")]
    [InlineData("{\"prompt\": \"x\", \"stop\": [\"\"]}", "line 2: a stop string is empty")]
    [InlineData("{\"prompt\": \"x\", \"stop\": [3]}", "line 2: stop[0] (3) must be a text")]
    [InlineData("{\"prompt\": \"\"}", "line 2: a prompt has no tokens")]
    [InlineData("{\"messages\": []}", "line 2: messages ([]) must be a list such as")]
    [InlineData("{\"messages\": [{\"role\": \"user\"}]}", "messages[0] ({\"role\": \"user\"}) must have a role")]
    [InlineData("{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}", "has no chat template")]
    [InlineData("{\"prompt\": \"x\u0000\"}", "is NUL")]
    public void A_bad_line_is_named_before_anything_is_written(string line, string named)
    {
        var file = _folder.Write("in.jsonl", "{\"prompt\": \"word1\"}\n" + line);
        var message = Assert.ThrowsAny<CrossheadException>(
            () => PromptRun.Check(PromptFile.Open(file), ModelSource.Open(_folder.Path), s_options)).Message;
        Assert.Contains(named, message);
        Assert.StartsWith(file, message);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void Files_without_prompts_and_prompts_beyond_the_context_are_named()
    {
        string Refused(string path) => Assert.ThrowsAny<CrossheadException>(() => PromptRun.Check(
            PromptFile.Open(path), ModelSource.Open(_folder.Path), s_options)).Message;
        Assert.Contains("do not exist; name a JSONL file", Refused(_folder.File("none.jsonl")));
        Assert.Contains("are a folder", Refused(_folder.Path));
        Assert.Contains("holds no prompt", Refused(_folder.Write("empty.jsonl", "")));
        var longest = string.Concat(Enumerable.Repeat("word1 and ", 40));
        Assert.Contains("line 1: a prompt of", Refused(
            _folder.Write("long.jsonl", new JsonObject { ["prompt"] = longest }.ToJsonString())));
        Assert.Contains("leaves no room in the model's context of 48", Refused(_folder.File("long.jsonl")));
    }

    [Fact]
    public void The_check_finds_how_much_there_is()
    {
        var longest = Enumerable.Range(0, 20).Max(i => SmallTextModel.Tokenizer.Encode(Prompt(i)).Length);
        var source = ModelSource.Open(_folder.Path);
        Assert.Equal(new PromptExtent(20, longest + 12),
            PromptRun.Check(PromptFile.Open(Write(20)), source, s_options));
        Assert.Equal(new PromptExtent(20, 48),
            PromptRun.Check(PromptFile.Open(Write(20)), source, s_options with { MaxTokens = int.MaxValue }));
        Assert.Null(PromptRun.Check(PromptFile.Of(Stream.Null, "nothing"), source, s_options));
    }

    [Fact]
    public async Task A_pipe_is_answered_line_by_line_while_it_is_open_and_up_to_a_bad_line()
    {
        await using var writer = new AnonymousPipeServerStream(PipeDirection.Out);
        await using var reader = new AnonymousPipeClientStream(PipeDirection.In, writer.ClientSafePipeHandle);
        using var output = new SignallingWriter();
        var run = Task.Run(() => new PromptRun(Model, PromptFile.Of(reader, "the pipe"), s_options)
            .WriteTo(output, cancellation: TestContext.Current.CancellationToken));
        for (var i = 0; i < 3; i++)
        {
            writer.Write(Encoding.UTF8.GetBytes($"{{\"prompt\": \"{Prompt(i)}\"}}\n"));
            Assert.True(await output.Lines.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
        }
        writer.Write(Encoding.UTF8.GetBytes($"{{\"prompt\": \"{Prompt(3)}\"}}\nbad\n{{\"prompt\": \"word\"}}\n"));
        var refusal = await Assert.ThrowsAnyAsync<CrossheadException>(() => run);
        Assert.StartsWith("the pipe, line 5 (bad) is no JSON object", refusal.Message);
        Assert.Equal(Run(Write(4), s_options).Lines, output.Text.TrimEnd('\n').Split('\n'));
    }

    private static string Prompt(int i) => string.Concat(Enumerable.Repeat($"word{i} and ", 1 + (i * 3 % 4)));

    private string Write(int count) => _folder.Write("prompts.jsonl", string.Concat(Enumerable.Range(0, count)
        .Select(i => new JsonObject { ["prompt"] = Prompt(i) }.ToJsonString() + "\n")));

    private void Interrupt(string file, string path, GenerationOptions options)
    {
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => new PromptRun(Model, PromptFile.Open(file), options)
            .WriteTo(path, progress: new ImmediateProgress<PromptProgress>(p =>
            {
                if (p.Answers >= 5) stop.Cancel();
            }), cancellation: stop.Token));
    }

    private (PromptResult Result, string[] Lines) Run(string file, GenerationOptions options, TextModel? model = null,
        string name = "answers.jsonl")
    {
        var prompts = PromptFile.Open(file);
        var extent = PromptRun.Check(prompts, ModelSource.Open(_folder.Path), options);
        var result = new PromptRun(model ?? Model, prompts, options, extent).WriteTo(_folder.File(name),
            overwrite: name == "answers.jsonl", cancellation: TestContext.Current.CancellationToken);
        return (result, File.ReadAllLines(_folder.File(name)));
    }

    private sealed class SignallingWriter : StringWriter
    {
        public SemaphoreSlim Lines { get; } = new(0);

        public string Text => ToString();

        public override void Write(string? value)
        {
            base.Write(value);
            Lines.Release();
        }
    }
}
