using System.Text.Json.Nodes;
using Crosshead.Evaluation.Tasks;
using Parquet.Serialization;

namespace Crosshead.Tests.Evaluation.Tasks;

/// <summary>Rows of every format and of the shapes that releases and their copies have.</summary>
public sealed class RowShapesTests
{
    private const string Json = """{"q": "one?", "options": ["a", "b, \"c\""], "answer": 1}""";

    [Theory]
    [InlineData("rows.jsonl", Json + "\n\n" + Json + "\n")]
    [InlineData("rows.jsonl", "\uFEFF" + Json + "\r\n" + Json)]
    [InlineData("rows.json", "[" + Json + ",\n" + Json + "]")]
    [InlineData("rows.json", "{\"version\": 2, \"data\": [" + Json + ", " + Json + "]}")]
    [InlineData("rows.json", Json + "\n" + Json + "\n")]
    public void Json_comes_in_lines_lists_and_objects(string file, string text)
    {
        using var bench = new TaskWorkbench();
        AssertTwo(bench.Write(file, text).Load(TaskWorkbench.Choice()));
    }

    [Fact]
    public void Half_a_surrogate_pair_is_read_as_the_replacement_character()
    {
        using var bench = new TaskWorkbench();
        var sample = Assert.Single(bench.Write("rows.jsonl",
            """{"q": "x\ud800", "options": ["a\udc00b", "c"], "answer": 0}""").Load(TaskWorkbench.Choice()).Samples);
        Assert.Equal(("Q: x\uFFFD\nA:", " a\uFFFDb"),
            (sample.Choices[0].Prompt.ToText(), sample.Choices[0].Continuation));
    }

    [Fact]
    public void Csv_quotes_texts_and_its_header_names_the_columns()
    {
        using var bench = new TaskWorkbench();
        var task = TaskWorkbench.Choice();
        task["fields"]!["choices"] = "row['the first'] | list: row.B";
        AssertTwo(bench.Write("rows.csv",
            "q,the first,B,answer\r\none?,a,\"b, \"\"c\"\"\",1\r\n\"one?\",a,\"b, \"\"c\"\"\",1\r\n").Load(task));
    }

    [Fact]
    public void Csv_without_a_header_has_the_columns_that_the_task_names_and_texts_of_several_lines()
    {
        using var bench = new TaskWorkbench();
        var task = TaskWorkbench.Choice();
        task["data"]!["columns"] = new JsonArray("q", "A", "B", "answer");
        task["fields"]!["choices"] = "row.A | list: row.B";
        task["fields"]!["answer"] = "row.answer | letter";
        task["answer"] = "letter";
        var lines = string.Concat(Enumerable.Repeat("a line\n\n", 20_000));
        var sample = Assert.Single(bench.Write("rows.csv", $"\"{lines}\",x,y,B\n").Load(task).Samples);
        Assert.Equal($"Q: {lines}\nA:", sample.Choices[0].Prompt.ToText());
        Assert.Equal(1, sample.Gold);
    }

    [Fact]
    public async Task Parquet_nests_lists_in_groups_as_hugging_face_writes_them()
    {
        using var bench = new TaskWorkbench();
        var task = TaskWorkbench.Choice();
        task["fields"] = new JsonObject
        {
            ["stem"] = "row.q",
            ["choices"] = "row.choices.text",
            ["labels"] = "row.choices.label",
            ["answer"] = "row.answerKey",
            ["inputs"] = "row.examples | map: 'input' | join: '+'",
            ["scale"] = "row.scale",
        };
        task["answer"] = "label";
        task["question"] = "{{ stem }} {{ inputs }} {{ scale }}";
        var rows = Enumerable.Range(0, 3)
            .Select(i => new HubRow { q = $"q{i}", answerKey = i == 1 ? "2" : "1" }).ToArray();
        await ParquetSerializer.SerializeAsync(rows, bench.Data("own/rows.parquet"));

        var samples = bench.Load(task).Samples;
        Assert.Equal([0, 1, 0], samples.Select(s => s.Gold));
        Assert.Equal(["first", "second"], samples[2].Choices.Select(c => c.Text));
        Assert.Equal("q2 x+y 2.5", samples[2].Choices[0].Prompt.ToText());
    }

    [Theory]
    [InlineData(
        """{"id": "x", "question": {"stem": "S", "choices": [{"text": "t", "label": "1"}, {"text": "u", "label": "2"}]}, "answerKey": "2"}""")]
    [InlineData(
        """{"id": "x", "question": "S", "choices": {"text": ["t", "u"], "label": ["1", "2"]}, "answerKey": "2"}""")]
    public void Arc_has_two_shapes(string row)
    {
        var sample = One("arc_easy", "ARC-Easy-Test.jsonl", row);
        Assert.Equal("Question: S\nAnswer:", sample.Choices[1].Prompt.ToText());
        Assert.Equal(" u", sample.Choices[1].Continuation);
        Assert.Equal(1, sample.Gold);
        Assert.Same(sample.Choices[0].Prompt, sample.Choices[1].Prompt);
    }

    [Theory]
    [InlineData("piqa", "validation.jsonl", """{"goal": "g", "sol1": "s", "sol2": "t", "label": 1}""",
        "Question: g\nAnswer: t")]
    [InlineData("openbookqa", "test.jsonl",
        """{"id": "1", "question_stem": "g", "choices": {"text": ["s", "t"], "label": ["A", "B"]}, "answerKey": " B"}""",
        "g t")]
    [InlineData("winogrande", "dev.jsonl",
        """{"qID": "1", "sentence": "He and _ go .", "option1": "a", "option2": "b", "answer": "2"}""",
        "He and b go .")]
    [InlineData("hellaswag", "val.jsonl",
        """{"ind": 1, "activity_label": "A", "ctx_a": "b [x] [title] c.", "ctx_b": "dOG", "endings": [" s", "t [title] u"], "label": "1"}""",
        "A: b . c. Dog t. u")]
    [InlineData("gpqa", "gpqa_diamond.csv",
        "Question,Correct Answer,Incorrect Answer 1,Incorrect Answer 2,Incorrect Answer 3\nq, r ,s,t,u", null)]
    public void Copies_give_the_same_text(string name, string file, string row, string? right)
    {
        var sample = One(name, file, row);
        var choice = sample.Choices[sample.Gold];
        if (right is not null) Assert.Equal(right, choice.Prompt.ToText() + choice.Continuation);
        // the right answer has the letter that is gold
        else Assert.Contains($"\n{choice.Text} r\n", choice.Prompt.ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_last_word_keeps_what_is_before_the_last_space()
    {
        var choice = One("lambada", "test.jsonl", """{"text": "I see  the sea "}""").Choices[0];
        Assert.Equal(("I see  the", " sea", "sea"), (choice.Prompt.ToText(), choice.Continuation, choice.Text));
    }

    [Fact]
    public void Chembench_finds_the_letters_of_all_right_options_and_leaves_open_questions_out()
    {
        using var bench = new TaskWorkbench();
        var task = TaskCatalog.Load().Resolve(["chembench"])[0] with
        {
            Data = [new() { Rows = ["toxicity/rows.jsonl"] }],
            Name = "own",
        };
        bench.Write("toxicity/rows.jsonl", """
            {"uuid": "1", "examples": [{"input": "open", "target": "3.2", "target_scores": null}]}
            {"uuid": "2", "examples": [{"input": "which ", "target": null, "target_scores": "{\"x\": 1.0, \"y\": 0, \"z\": 1}"}]}
            """);
        var sample = Assert.Single(TaskData.Load(task, bench.Root, 0).Samples);
        Assert.Equal(("2", "toxicity", "A, C", 0),
            (sample.Id, sample.Subject, Assert.Single(sample.Answers), sample.Row));
        Assert.EndsWith("\n\nwhich\nA. x\nB. y\nC. z", sample.Prompt!.ToText(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("physics", "optics_dataset_textonly.jsonl",
        """{"id": "optics/1", "questions": "\nHow far?\n", "solutions": "s", "final_answers": ["u = 2", "v = 3"], "graphs": null}""",
        "u = 2, v = 3")]
    [InlineData("livemathbench", "202412/hard_en.jsonl",
        """{"question": "q", "answer": "$4$", "question_type": "problem-solving"}""", "$4$")]
    [InlineData("climaqa", "mcq/mcq_benchmark.csv", "Question,Options,Answer\nq,\"a) x\nb) y\",b", "B")]
    [InlineData("climaqa_cloze", "cloze/cloze_benchmark.csv",
        "Question,Answer\nThe <MASK> rises,sea level", "sea level")]
    [InlineData("chembench4k", "test/Name_benchmark.json",
        """[{"question": "q", "A": "1", "B": "2", "C": "3", "D": "4", "answer": "C"}]""", "C")]
    [InlineData("supergpqa", "SuperGPQA-all.jsonl",
        """{"uuid": "u", "question": "q", "options": ["x", "y"], "answer": "y", "answer_letter": "B", "discipline": "d"}""",
        "B")]
    [InlineData("medxpertqa", "Text/test.jsonl",
        """{"id": "Text-1", "question": "q", "options": {"A": "x"}, "label": "A", "body_system": "b"}""", "A")]
    [InlineData("aime2025", "aime2025-I.jsonl", """{"question": "q", "answer": 70}""", "70")]
    [InlineData("gsm8k", "test.jsonl", """{"question": "q", "answer": "steps\n#### 1,200"}""", "1,200")]
    public void Tasks_of_writing_read_their_releases(string name, string file, string row, string answer)
    {
        var sample = One(name, file, row);
        Assert.Equal([answer], sample.Answers);
        Assert.Equal(-1, sample.Gold);
        Assert.Empty(sample.Choices);
        Assert.NotEmpty(sample.Prompt!.ToText());
    }

    [Fact]
    public async Task Mmlu_of_the_hub_has_the_same_text_as_the_release()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in new[] { "release/mmlu/test", "release/mmlu/dev", "hub/mmlu/all" })
            Directory.CreateDirectory(folder.File(name));
        File.WriteAllText(folder.File("release/mmlu/test/high_school_physics_test.csv"), " what?,1,2,3,4,C\n");
        File.WriteAllText(folder.File("release/mmlu/dev/high_school_physics_dev.csv"), "shot,1,2,3,4,A\n");
        await ParquetSerializer.SerializeAsync(new[] { new HubQuestion { question = " what?", answer = 2 } },
            folder.File("hub/mmlu/all/test-00000-of-00001.parquet"));
        await ParquetSerializer.SerializeAsync(new[] { new HubQuestion { question = "shot", answer = 0 } },
            folder.File("hub/mmlu/all/dev-00000-of-00001.parquet"));

        var task = TaskCatalog.Load().Resolve(["mmlu"])[0];
        foreach (var source in new[] { "release", "hub" })
        {
            var sample = Assert.Single(TaskData.Load(task, folder.File(source), shots: 1).Samples);
            Assert.Equal("The following are multiple choice questions (with answers) about high school physics.\n\n"
                + "shot\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer: A\n\nwhat?\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer:",
                sample.Choices[2].Prompt.ToText());
            Assert.Equal((2, "high_school_physics", " C"),
                (sample.Gold, sample.Subject, sample.Choices[2].Continuation));
        }
    }

    [Fact]
    public void Mmlu_pros_examples_have_their_reasoning()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("mmlu_pro"));
        File.WriteAllText(folder.File("mmlu_pro/validation.jsonl"),
            """{"question_id": 1, "question": "v", "options": ["x", "y"], "answer": "B", "cot_content": "A: Let's think step by step. The answer is (B).", "category": "law"}""");
        File.WriteAllText(folder.File("mmlu_pro/test.jsonl"),
            """{"question_id": 2, "question": "t", "options": ["x", "y"], "answer": "A", "cot_content": "", "category": "law"}""");
        var text = TaskData.Load(TaskCatalog.Load().Resolve(["mmlu_pro"])[0], folder.Path,
            shots: 1).Samples[0].Prompt!.ToText();
        Assert.EndsWith("letter choice.\nQuestion:\nv\nOptions:\nA. x\nB. y\nAnswer: Let's think step by step. The "
            + "answer is (B).\n\nQuestion:\nt\nOptions:\nA. x\nB. y\nAnswer: Let's think step by step.", text,
            StringComparison.Ordinal);
    }

    private static TaskSample One(string name, string file, string rows)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File(Path.Combine(name, file));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, rows);
        return Assert.Single(TaskData.Load(TaskCatalog.Load().Resolve([name])[0], folder.Path, shots: 0).Samples);
    }

    private static void AssertTwo(TaskData data)
    {
        Assert.Equal(2, data.Samples.Count);
        foreach (var sample in data.Samples)
        {
            Assert.Equal(["Q: one?\nA:", "Q: one?\nA:"], sample.Choices.Select(c => c.Prompt.ToText()));
            Assert.Equal([" a", " b, \"c\""], sample.Choices.Select(c => c.Continuation));
            Assert.Equal(1, sample.Gold);
        }
    }

    private sealed class HubQuestion
    {
        public string question { get; set; } = "";
        public string subject { get; set; } = "high_school_physics";
        public List<string> choices { get; set; } = ["1", "2", "3", "4"];
        public long answer { get; set; }
    }

    private sealed class HubChoices
    {
        public List<string> text { get; set; } = ["first", "second"];
        public List<string> label { get; set; } = ["1", "2"];
    }

    private sealed class HubExample
    {
        public string input { get; set; } = "";
        public string? target { get; set; }
    }

    private sealed class HubRow
    {
        public string q { get; set; } = "";
        public HubChoices choices { get; set; } = new();
        public List<HubExample> examples { get; set; } = [new() { input = "x" }, new() { input = "y" }];
        public string answerKey { get; set; } = "";
        public double? scale { get; set; } = 2.5;
    }
}
