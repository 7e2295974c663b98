using System.Text.Json.Nodes;
using Crosshead.Tests.Runtime.Distributed;

namespace Crosshead.Tests.Cli;

/// <summary>eval as a user meets it, on a model and rows made here.</summary>
public sealed class EvalCommandTests : IDisposable
{
    private const string Arc = """
        {"id":"a","question":{"stem":"word1 word2","choices":[{"text":"word3","label":"A"},{"text":"word4 word5","label":"B"},{"text":"word6","label":"C"}]},"answerKey":"B"}
        {"id":"b","question":{"stem":"word2 word3","choices":[{"text":"word1","label":"1"},{"text":"word2","label":"2"}]},"answerKey":"1"}
        {"id":"c","question":"word7","choices":{"text":["word1","word2","word3"],"label":["A","B","C"]},"answerKey":"C"}

        """;

    private const string Gsm = """
        {"question":"word1 and word2?","answer":"word3\n#### 1,234"}
        {"question":"word4?","answer":"#### 7"}

        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Cache => _folder.File("cache");

    [Fact]
    public void Two_models_are_scored_compared_and_written_down()
    {
        Prepare("first", "second");
        var run = Eval("first", "second", "--tasks", "arc_easy,gsm8k", "--num-fewshot", "0", "--out", _folder.File(
            "r.json"), "--report", _folder.File("r.html"), "--log-samples", _folder.File("s.jsonl"), "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        var results = run.Json["results"]!.AsArray();
        Assert.Equal(["first arc_easy 3", "first gsm8k 2", "second arc_easy 3", "second gsm8k 2"],
            results.Select(r => $"{r!["model"]} {r["task"]} {r["n"]}"));
        foreach (var result in results)
            Assert.Equal((double)result!["acc"]!, (double)result["accCount"]! / (int)result["n"]!, 12);
        Assert.All(results.Take(2), r => Assert.Null(r!["difference"]));
        Assert.Equal((double)results[2]!["acc"]! - (double)results[0]!["acc"]!, (double)results[2]!["difference"]!, 12);
        Assert.Equal(["strict", "flexible"], results[1]!["filters"]!.AsArray().Select(f => (string)f!["name"]!));
        Assert.True((double)results[0]!["meanGoldLogLikelihood"]! < 0);
        Assert.Equal(results.ToJsonString(),
            JsonNode.Parse(File.ReadAllText(_folder.File("r.json")))!["results"]!.ToJsonString());

        var html = File.ReadAllText(_folder.File("r.html"));
        Assert.Contains("second beside first", html);
        Assert.Contains("<th>gsm8k</th>", html);
        var samples = File.ReadAllLines(_folder.File("s.jsonl")).Select(l => JsonNode.Parse(l)!).ToArray();
        Assert.Equal(10, samples.Length);
        Assert.Equal("Question: word1 word2\nAnswer:", (string)samples[0]["requests"]![0]!["context"]!);
        Assert.Equal(" word4 word5", (string)samples[0]["requests"]![1]!["continuation"]!);
        Assert.Equal(samples[0]["requests"]!.AsArray().Select((r, i) => ((double)r!["logLikelihood"]!, i)).MaxBy(
            r => r.Item1).i, (int)samples[0]["choice"]!);
        Assert.Equal("1,234", (string)samples[3]["answers"]![0]!);
        Assert.NotNull((string?)samples[3]["output"]);
    }

    [Fact]
    public void Two_processes_give_the_samples_of_one()
    {
        Prepare("first");
        var (one, two) = (_folder.File("one.jsonl"), _folder.File("two.jsonl"));
        var lines = new List<int>();
        foreach (var (ranks, file) in new[] { (1, one), (2, two) })
        {
            var run = MpiRun.Crosshead(ranks, "eval", _folder.File("first"), "--tasks", "arc_easy,gsm8k",
                "--num-fewshot", "0", "--data", _folder.File("rows"), "--no-cache", "--log-samples", file);
            Assert.True(run.ExitCode == 0, run.Error);
            Assert.DoesNotContain('\e', run.Out);
            lines.Add(run.Out.Split('\n').Length);
        }
        Assert.Equal(lines[0], lines[1]);
        Assert.Equal(File.ReadAllText(one), File.ReadAllText(two));
    }

    [Fact]
    public void What_was_answered_is_not_asked_again()
    {
        Prepare("first");
        var whole = Eval("first", "--tasks", "arc_easy,gsm8k", "--num-fewshot", "0",
            "--json").Json["results"]!.AsArray();
        Assert.Equal([0, 0], whole.Select(r => (int)r!["fromCache"]!));

        // As an interruption leaves it: some responses, the last one torn.
        var file = Assert.Single(Directory.GetFiles(Cache));
        var lines = File.ReadAllLines(file);
        Assert.Equal(10, lines.Length);
        File.WriteAllText(file, string.Join('\n', lines[..4]) + "\n" + lines[4][..9]);
        var again = Eval("first", "--tasks", "arc_easy,gsm8k", "--num-fewshot", "0",
            "--json").Json["results"]!.AsArray();
        Assert.Equal([4, 0], again.Select(r => (int)r!["fromCache"]!));
        foreach (var (a, b) in whole.Zip(again))
            Assert.Equal($"{a!["accCount"]} {a["meanGoldLogLikelihood"]}",
                $"{b!["accCount"]} {b["meanGoldLogLikelihood"]}");
        Assert.Equal(10, File.ReadAllLines(file).Length);

        // Another precision gives other scores, which are kept apart.
        Assert.Equal(0, (int)Eval("first", "--tasks", "arc_easy", "--dtype", "float64",
            "--json").Json["results"]![0]!["fromCache"]!);
        Assert.Equal(0,
            (int)Eval("first", "--tasks", "arc_easy", "--no-cache", "--json").Json["results"]![0]!["fromCache"]!);
    }

    [Fact]
    public void An_interrupted_run_says_so()
    {
        Prepare("first");
        using var cancel = new CancellationTokenSource();
        cancel.Cancel();
        var run = CliRun.With("", cancel.Token, "eval", _folder.File("first"), "--tasks", "arc_easy", "--data",
            _folder.File("rows"), "--cache", Cache);
        Assert.Equal(130, run.ExitCode);
    }

    [Fact]
    public void Contexts_longer_than_the_model_are_cut_and_told()
    {
        Prepare("first");
        var stem = string.Join(' ', Enumerable.Repeat("word1", 400));
        Write("arc_easy/test.jsonl",
            $$"""{"id":"a","question":{"stem":"{{stem}}","choices":[{"text":"word3","label":"A"},{"text":"word4","label":"B"}]},"answerKey":"B"}""");
        var run = Eval("first", "--tasks", "arc_easy");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("Samples longer than the context of first lost their beginning: 1 of 1 in arc_easy.", run.Out);
    }

    [Fact]
    public void The_list_needs_no_model()
    {
        var run = CliRun.Of("eval", "--list");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("https://huggingface.co/datasets/allenai/ai2_arc", run.Out);
        var tasks = CliRun.Of("eval", "--list", "--json").Json["tasks"]!.AsArray();
        Assert.Contains("gsm8k", tasks.Select(t => (string)t!["task"]!));
        Assert.All(tasks, t => Assert.NotEmpty(t!["metrics"]!.AsArray()));
    }

    [Fact]
    public void Chat_templates_write_the_prompts()
    {
        Prepare("first");
        File.WriteAllText(Path.Combine(_folder.File("first"), "chat_template.jinja"), "{% for m in messages %}<{{ "
            + "m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}");
        var plain = Eval("first", "--tasks", "arc_easy", "--json").Json["results"]![0]!;
        var chat = Eval("first", "--tasks", "arc_easy", "--apply-chat-template", "--json").Json["results"]![0]!;
        Assert.NotEqual((double)plain["meanGoldLogLikelihood"]!, (double)chat["meanGoldLogLikelihood"]!);
        Assert.Equal(0, (int)chat["fromCache"]!);
    }

    [Theory]
    [InlineData("--tasks arc_eazy", "did you mean \"arc_easy\"")]
    [InlineData("--tasks ,", "no task is named")]
    [InlineData("--tasks piqa", "valid.jsonl")]
    [InlineData("--tasks arc_easy --limit 0", "--limit must be a whole number from 1")]
    [InlineData("--tasks arc_easy --num-fewshot 5", "ARC-Easy-Train.jsonl")]
    [InlineData("--tasks arc_easy --out old.json", "exists already")]
    [InlineData("--tasks arc_easy --report old.json", "exists already")]
    [InlineData("--tasks arc_easy --log-samples old.json", "exists already")]
    [InlineData("--tasks arc_easy --log-samples old.json/s.jsonl", "is a file, not a folder")]
    [InlineData("--tasks arc_easy --out nowhere/r --report nowhere/r", "both; name another place")]
    [InlineData("--tasks arc_easy --include nowhere", "nowhere")]
    [InlineData("--tasks arc_easy --add-bos", "the model's tokenizer has none")]
    [InlineData("--tasks arc_easy --add-bos --apply-chat-template", "exclude each other")]
    [InlineData("--tasks arc_easy --apply-chat-template", "chat template")]
    [InlineData("nowhere --tasks arc_easy", "nowhere")]
    public void What_cannot_be_done_is_refused_before_anything_is_scored(string line, string told)
    {
        Prepare("first");
        File.WriteAllText(_folder.File("old.json"), "{}");
        var words = line.Replace("old.json", _folder.File("old.json"))
            .Replace("nowhere/", _folder.File("nowhere") + "/").Split(' ');
        Assert.Contains(told, Eval(["first", .. words]).Refusal());
        Assert.Equal("{}", File.ReadAllText(_folder.File("old.json")));
        Assert.False(Directory.Exists(Cache) && Directory.GetFiles(Cache).Any(f => new FileInfo(f).Length > 0));
    }

    [Theory]
    [InlineData("""{"id":"a","question":{"stem":"x","choices":[{"text":"y","label":"A"}]},"answerKey":"D"}""", "D")]
    [InlineData("""{"id":"a","question":{"stem":"x","choices":[]},"answerKey":"A"}""", "no choices")]
    [InlineData(
        """{"id":"a","question":{"stem":"x","choices":[{"text":"","label":"A"}]},"answerKey":"A"}""", "is empty")]
    [InlineData("""{"id":"a","question":{"stem":"x",""", "line 1")]
    public void Rows_that_are_not_as_the_task_says_are_named(string row, string told)
    {
        Prepare("first");
        Write("arc_easy/test.jsonl", row + "\n");
        var refusal = Eval("first", "--tasks", "arc_easy").Refusal();
        Assert.Contains("test.jsonl", refusal);
        Assert.Contains(told, refusal);
    }

    [Fact]
    public void A_continuation_without_a_token_of_its_own_is_refused_with_its_row_before_anything_is_scored()
    {
        Prepare("first");
        var tokenizer = Crosshead.Text.Tokenizers.Tokenizer.Load(_folder.File("tokenizer.json"));
        var word = Enumerable.Range(0, tokenizer.VocabularySize).Select(id => tokenizer.IdToToken(id)!)
            .First(t => t.Length > 1 && t.All(char.IsAsciiLetter)
                && tokenizer.Encode(t, addSpecialTokens: false).Length == 1);
        Directory.CreateDirectory(_folder.File("tasks"));
        _folder.Write("tasks/joined.json", """
            {"name":"joined","version":1,"kind":"choice","group":"own","about":"x","source":"own","data":{"rows":["test.jsonl"]},"fields":{"stem":"row.stem","choices":"row.choices","answer":"row.answer"},
             "question":"{{ stem }}","continuation":"{{ text }}","text":"{{ choice }}","answer":"index","metrics":["acc"]}
            """);
        Write("joined/test.jsonl", $$"""
            {"stem":"word1","choices":[" and"," word2"],"answer":0}
            {"stem":"{{word[..1]}}","choices":["x","{{word[1..]}}"],"answer":0}
            """);
        var refusal = Eval("first", "--tasks", "arc_easy,joined", "--include", _folder.File("tasks")).Refusal();
        Assert.Contains("test.jsonl, line 2: the continuation", refusal);
        Assert.Contains($"\"{word[1..]}\"", refusal);
        Assert.Contains($"\"{word[..1]}\"", refusal);
        Assert.False(Directory.Exists(Cache));
    }

    [Fact]
    public void The_same_model_twice_is_refused()
    {
        Prepare("first");
        Assert.Contains("is named 2 times", Eval("first", "first", "--tasks", "arc_easy").Refusal());
    }

    [Fact]
    public void No_model_is_refused() =>
        Assert.Contains("no model is named", CliRun.Of("eval", "--tasks", "arc_easy").Refusal());

    // Arguments that are names of models here become their folders.
    private CliRun Eval(params string[] arguments) =>
        CliRun.Of(["eval", .. arguments.Select(a => a is "first" or "second" ? _folder.File(a) : a), "--data",
            _folder.File("rows"), .. arguments.Contains("--no-cache") ? Array.Empty<string>() : ["--cache", Cache]]);

    private void Prepare(params string[] models)
    {
        var recipe = TinyRecipe.In(_folder, 2);
        foreach (var (model, seed) in models.Select((m, i) => (m, i + 1)))
        {
            var run = CliRun.Of("train", recipe, "--set", $"training.seed={seed}", "--out", _folder.File(model));
            Assert.True(run.ExitCode == 0, run.Error);
        }
        Write("arc_easy/test.jsonl", Arc);
        Write("gsm8k/test.jsonl", Gsm);
    }

    private void Write(string path, string text)
    {
        var full = Path.Combine(_folder.File("rows"), path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }
}
