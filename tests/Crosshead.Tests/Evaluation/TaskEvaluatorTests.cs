using System.Text.Json.Nodes;
using Crosshead.Evaluation;
using Crosshead.Evaluation.Answers;
using Crosshead.Evaluation.Results;
using Crosshead.Evaluation.Scoring;
using Crosshead.Evaluation.Tasks;
using Crosshead.Generation;
using Crosshead.Model;
using Crosshead.Tests.Cli;
using Crosshead.Tests.Runtime.Distributed;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Training;
using static TorchSharp.torch;
using Generator = Crosshead.TextModels.Generator;

namespace Crosshead.Tests.Evaluation;

public sealed class TaskEvaluatorTests : IDisposable
{
    private readonly Crosshead.Tests.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private EvaluationTask Task(string kind, string rest)
    {
        var file = JsonNode.Parse(
            $$"""{ "name": "own", "version": 1, "kind": "{{kind}}", "group": "mine", "about": "x", "source": "https://example.org/own", {{rest}} }""")!;
        var folder = Directory.CreateDirectory(_folder.File("tasks")).FullName;
        File.WriteAllText(Path.Combine(folder, "own.json"), file.ToJsonString());
        return TaskCatalog.Load(folder).Resolve(["own"])[0];
    }

    private TaskData Rows(EvaluationTask task, string name, string text)
    {
        var folder = Directory.CreateDirectory(_folder.File("own")).FullName;
        File.WriteAllText(Path.Combine(folder, name), text);
        return TaskData.Load(task, _folder.Path, shots: 0);
    }

    private static (LanguageModel Model, Tokenizer Tokenizer) Create(int context = 24)
    {
        var tokenizer = BpeTrainer.Train([TinyRecipe.Text], new BpeTrainerOptions { VocabularySize = 280 });
        var model = new LanguageModel(new()
        {
            VocabularySize = 280,
            HiddenSize = 32,
            Layers = 2,
            Context = context,
            Attention = new() { Heads = 2 },
        }, ScalarType.Float64);
        model.Initialize(7);
        return (model, tokenizer);
    }

    [Fact]
    public void Texts_have_the_likelihood_of_their_windows()
    {
        var task = Task("text",
            """ "data": { "rows": ["a.txt"] }, "fields": { "passage": "row.text" }, "question": "", "text": "{{ passage }}", "continuation": "{{ text }}", "metrics": ["bits_per_byte", "word_perplexity"] """);
        var text = TinyRecipe.Text[..700];
        var (model, tokenizer) = Create();
        using var owned = model;
        using var evaluator = new TaskEvaluator(model, tokenizer, new EvaluationOptions());
        var result = evaluator.Evaluate(task, Rows(task, "a.txt", text),
            cancellation: TestContext.Current.CancellationToken);
        var expected = Perplexity.Measure(model, text, tokenizer.Encode(text, addSpecialTokens: false),
            tokenizer.EosTokenId!.Value, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(expected.LogLikelihood, result.MeanGoldLogLikelihood, 1e-9 * Math.Abs(expected.LogLikelihood));
        Assert.Equal("bits_per_byte", result.Metrics[0].Name);
        double Value(string name) => result.Metrics.Single(m => m.Name == name).Value;
        Assert.Equal(expected.BitsPerByte, Value("bits_per_byte"), 9);
        Assert.Equal(expected.BytePerplexity, Value("byte_perplexity"), 9);
        Assert.Equal(expected.TokenPerplexity, Value("token_perplexity"), 1e-9 * expected.TokenPerplexity);
        Assert.Equal(Math.Log(expected.WordPerplexity), Math.Log(Value("word_perplexity")), 9);
    }

    [Fact]
    public void What_a_model_writes_is_judged_by_every_filter()
    {
        const string Rest = """
            "data": { "rows": ["a.jsonl"] }, "fields": { "stem": "row.q", "answer": "row.a" }, "question": "{{ stem }}", "metrics": ["exact_match"], "maxTokens": 6,
            "filters": [ { "name": "all", "extract": "whole", "compare": "text" }, { "name": "none", "extract": "boxed", "compare": "text" } ]
            """;
        var task = Task("generation", Rest);
        var (model, tokenizer) = Create();
        using var owned = model;
        using var evaluator = new TaskEvaluator(model, tokenizer, new EvaluationOptions());
        var first = evaluator.Evaluate(task, Rows(task, "a.jsonl", """{"q":"word1 and","a":"x"}"""),
            cancellation: TestContext.Current.CancellationToken);
        var written = first.Samples[0].Output!;

        // The same prompt with the answer that the model gives, and one that it does not.
        var rows = new JsonObject { ["q"] = "word1 and", ["a"] = written }
            .ToJsonString() + "\n" + """{"q":"word1 and","a":"x"}""" + "\n";
        var result = evaluator.Evaluate(task, Rows(task, "a.jsonl", rows),
            cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(["exact_match (all)", "exact_match (none)"], result.Metrics.Select(m => m.Name));
        Assert.Equal([1, 0], result.Metrics[0].PerSample);
        Assert.Equal([0, 0], result.Metrics[1].PerSample);
        Assert.All(result.Samples, s => Assert.Equal(written, s.Output));
    }

    [Theory]
    [InlineData(100, 24, true)]  // half the context, 12, is less than the task allows
    [InlineData(12, 24, false)]
    [InlineData(6, 24, false)]
    public void Answers_that_the_context_cuts_are_counted_also_where_they_are_known(int maxTokens,
        int context, bool cut)
    {
        var task = Task("generation", $$"""
            "data": { "rows": ["a.jsonl"] }, "fields": { "stem": "row.q", "answer": "row.a" }, "question": "{{"{{ stem }}"}}", "metrics": ["exact_match"], "maxTokens": {{maxTokens}},
            "filters": [ { "name": "all", "extract": "whole", "compare": "text" } ]
            """);
        var (model, tokenizer) = Create(context);
        using var owned = model;
        using var cache = new ResponseCache(_folder.File("cache"));
        using var evaluator = new TaskEvaluator(model, tokenizer, new EvaluationOptions(), cache);
        var rows = Rows(task, "a.jsonl", """{"q":"word1 and","a":"x"}""");
        foreach (var known in new[] { 0, 1 })
        {
            var result = evaluator.Evaluate(task, rows, cancellation: TestContext.Current.CancellationToken);
            Assert.Equal((known, cut ? 1 : 0), (result.FromCache, result.AnswersCut));
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)] // where an answer does not depend on its neighbours
    [InlineData(ScalarType.Float64)] // where it may: 256 prompts are kept together
    public void Many_answers_are_written_side_by_side_each_as_alone_and_interrupted_ones_are_kept(ScalarType type)
    {
        var task = Task("generation", """
            "data": { "rows": ["a.jsonl"] }, "fields": { "stem": "row.q", "answer": "row.a" }, "question": "{{ stem }}", "metrics": ["exact_match"], "maxTokens": 6, "stop": ["a"],
            "filters": [ { "name": "all", "extract": "whole", "compare": "text" } ]
            """);
        var (model, tokenizer) = Create();
        using var owned = model;
        model.Freeze(type);
        var rows = Rows(task, "a.jsonl", string.Concat(Enumerable.Range(0, 300).Select(i => new JsonObject
        {
            ["q"] = string.Concat(Enumerable.Repeat($"w{i} ", 1 + (i % 3))),
            ["a"] = "x",
        }.ToJsonString() + "\n")));
        using var cache = new ResponseCache(_folder.File("cache"));
        using var evaluator = new TaskEvaluator(model, tokenizer, new EvaluationOptions { Batch = 16 }, cache);
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => evaluator.Evaluate(task, rows,
            new ImmediateProgress<(int Done, int All)>(p => { if (p.Done >= 200) stop.Cancel(); }), stop.Token));
        if (type == ScalarType.Float64) Assert.Equal(256, cache.Count);
        else Assert.InRange(cache.Count, 200, 216);
        var result = evaluator.Evaluate(task, rows, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(300, cache.Count);
        Assert.InRange(result.FromCache, 200, 256);
        using var generator = new Generator(model, new TokenizerCodec(tokenizer));
        for (var i = 0; i < 300; i += 7)
        {
            var prompt = new SampleRequests(tokenizer, 24, new EvaluationOptions()).Prompt(rows.Samples[i], 6).Tokens;
            var alone = generator.Generate([prompt], new()
            {
                MaxTokens = 6,
                StopStrings = ["a"],
                Sampling = SamplingOptions.Greedy,
            }, TestContext.Current.CancellationToken)[0];
            Assert.Equal(alone.Text, result.Samples[i].Output);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4097)]
    public void A_batch_out_of_range_is_refused(int batch)
    {
        var (model, tokenizer) = Create();
        using var owned = model;
        Assert.Equal($"batch ({batch}) must be 1 to 4096.", Assert.Throws<CrossheadException>(
            () => new TaskEvaluator(model, tokenizer, new EvaluationOptions { Batch = batch })).Message);
    }

    [Theory]
    [InlineData(ScalarType.Float32)] // where answers are dealt one by one
    [InlineData(ScalarType.Float64)] // where blocks are
    public void Any_number_of_ranks_has_the_same_results(ScalarType type)
    {
        var texts = Task("text",
            """ "data": { "rows": ["a.txt"] }, "fields": { "passage": "row.text" }, "question": "", "text": "{{ passage }}", "continuation": "{{ text }}", "metrics": ["bits_per_byte"] """);
        var passage = Rows(texts, "a.txt", string.Concat(Enumerable.Repeat(TinyRecipe.Text, 20))[..30000]);
        var questions = Task("generation", """
            "data": { "rows": ["a.jsonl"] }, "fields": { "stem": "row.q", "answer": "row.a" }, "question": "{{ stem }}", "metrics": ["exact_match"], "maxTokens": 4,
            "filters": [ { "name": "all", "extract": "whole", "compare": "text" } ]
            """);
        TaskData Questions(int count) => Rows(questions, "a.jsonl", string.Concat(Enumerable.Range(0, count).Select(
            i => $$"""{"q":"w{{i}} {{i % 7}}","a":"x"}""" + "\n")));
        var (half, rows) = (Questions(150), Questions(300));
        var one = Answers(1)[0];
        foreach (var ranks in new[] { 2, 3 }) Assert.All(Answers(ranks), answers => Assert.Equal(one, answers));

        // Half of the answers are kept from before, by rank 0 alone.
        string[] Answers(int ranks) => ThreadCommunicator.Run(ranks, communicator =>
        {
            var (model, tokenizer) = Create();
            using var owned = model;
            model.Freeze(type);
            using var cache = communicator.Rank > 0 ? null : new ResponseCache(_folder.File($"cache {type} {ranks}"));
            using var evaluator = new TaskEvaluator(model, tokenizer,
                new EvaluationOptions { Batch = 16 }, cache, communicator);
            evaluator.Evaluate(questions, half, cancellation: TestContext.Current.CancellationToken);
            var results = new[] { (texts, passage), (questions, rows) }.Select(t =>
                evaluator.Evaluate(t.Item1, t.Item2, cancellation: TestContext.Current.CancellationToken)).ToArray();
            Assert.Equal([0, 150], results.Select(r => r.FromCache));
            return string.Join('\n', results.SelectMany(r => r.Samples).Select(s =>
                $"{string.Join(' ', s.Scores.Select(c => c.LogLikelihood.ToString("R")))} {s.Output}"));
        });
    }

    [Fact]
    public void Answers_are_cleaned_where_the_tokenizer_asks_for_it()
    {
        var task = Task("generation", """
            "data": { "rows": ["a.jsonl"] }, "fields": { "stem": "row.q", "answer": "row.a" }, "question": "{{ stem }}", "metrics": ["exact_match"], "maxTokens": 3, "stop": ["a...b"],
            "filters": [ { "name": "all", "extract": "whole", "compare": "text" } ]
            """);
        var plain = BpeTrainer.Train(["one . two . three . four , five , six ."],
            new BpeTrainerOptions { VocabularySize = 275 });
        plain.Save(_folder.File("t"));
        File.WriteAllText(_folder.File("t/tokenizer_config.json"),
            """{ "eos_token": "<|endoftext|>", "clean_up_tokenization_spaces": true }""");
        using var model = new LanguageModel(new()
        {
            VocabularySize = plain.VocabularySize,
            HiddenSize = 32,
            Layers = 1,
            Context = 24,
            Attention = new() { Heads = 2 },
        }, ScalarType.Float64);
        model.Initialize(7);
        using (no_grad()) // of two opposite rows one is always the likeliest
        {
            var head = model.Parameters.Single(p => p.Name == "lm_head.weight").Value.fill_(0);
            head[plain.TokenToId("Ġ.")!.Value].fill_(1);
            head[plain.TokenToId("Ġ,")!.Value].fill_(-1);
        }
        string Written(Tokenizer tokenizer)
        {
            using var evaluator = new TaskEvaluator(model, tokenizer, new EvaluationOptions());
            return evaluator.Evaluate(task, Rows(task, "a.jsonl", """{"q":"one","a":"x"}"""),
                cancellation: TestContext.Current.CancellationToken).Samples[0].Output!;
        }
        var raw = Written(plain);
        Assert.Matches("^( [.,]){3}$", raw);
        Assert.Equal(raw.Replace(" ", ""), Written(Tokenizer.Load(_folder.File("t"))));
    }

    [Fact]
    public void The_first_of_equal_choices_is_taken_and_lengths_are_of_characters()
    {
        var choices = new[] { "ab", "a😀", "abcd" }
            .Select(t => new TaskChoice(new TaskPrompt("", [], "q"), " " + t, t)).ToArray();
        var sample = new TaskSample(0, "0", null, choices, 1, null, []);
        Assert.Equal(0,
            new SampleResult(sample, [new(-4, false), new(-4, false), new(-9, false)], null, [], false).Choice);
        // two characters each
        Assert.Equal(0, new SampleResult(sample, [new(-4, false), new(-4, false), new(-9, false)], null, [],
            false).NormalizedChoice);
        Assert.Equal(2, new SampleResult(sample, [new(-4, false), new(-4, false), new(-7, false)], null, [],
            false).NormalizedChoice);
    }

    [Theory]
    [InlineData(AnswerExtraction.Regex, "answer is \\(?([A-J])\\)?", AnswerComparison.Text,
        "so the answer is (B).", "B", true)]
    [InlineData(AnswerExtraction.Regex, "answer is \\(?([A-J])\\)?", AnswerComparison.Text, "no idea", "B", false)]
    [InlineData(AnswerExtraction.LastNumber, null, AnswerComparison.Number, "12 + 3 makes $1,500.", "1500", true)]
    [InlineData(AnswerExtraction.Boxed, null, AnswerComparison.Mathematics, "thus \\boxed{\\frac{1}{2}}", "0.5", true)]
    [InlineData(AnswerExtraction.Boxed, null, AnswerComparison.Mathematics, "thus 1/2", "0.5", false)]
    [InlineData(AnswerExtraction.Whole, null, AnswerComparison.LetterSet, "(C) and A", "A, C", true)]
    [InlineData(AnswerExtraction.Whole, null, AnswerComparison.LetterSet, "C", "A, C", false)]
    [InlineData(AnswerExtraction.Whole, null, AnswerComparison.Text, " Paris. ", "paris", true)]
    // ends although the pattern would not
    [InlineData(AnswerExtraction.Regex, "^(a+)+$", AnswerComparison.Text,
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "a", false)]
    public void Answers_are_found_and_compared(AnswerExtraction extract, string? pattern, AnswerComparison compare,
        string text, string answer, bool right) =>
        Assert.Equal(right, new AnswerJudge(new AnswerFilter("f", extract, pattern, Compare: compare)).Judge(text,
            ["other", answer]).Right);
}
