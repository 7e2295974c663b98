using System.Text.Json.Nodes;
using Crosshead.Evaluation.Tasks;

namespace Crosshead.Tests.Evaluation.Tasks;

public sealed class ShotsTests
{
    [Fact]
    public void Examples_are_the_first_rows_of_their_split_and_are_shared()
    {
        using var bench = Bench();
        var samples = bench.Load(Task(), shots: 2).Samples;
        Assert.Equal("Q: t1\nA: b\n\nQ: t2\nA: c\n\nQ: s1\nA:", samples[0].Choices[0].Prompt.ToText());
        Assert.Same(samples[0].Choices[0].Prompt.Shots, samples[1].Choices[0].Prompt.Shots);
    }

    [Fact]
    public void Examples_may_be_those_of_the_questions_subject()
    {
        using var bench = Bench();
        var task = Task();
        task["shots"]!["sameSubject"] = true;
        task["fields"]!["subject"] = "row.s";
        task["description"] = "About {{ subject }}.\n\n";
        var samples = bench.Load(task, shots: 1).Samples;
        Assert.Equal("About x.\n\nQ: t1\nA: b\n\nQ: s1\nA:", samples[0].Choices[0].Prompt.ToText());
        Assert.Equal("About y.\n\nQ: t3\nA: b\n\nQ: s2\nA:", samples[1].Choices[0].Prompt.ToText());
        Assert.Equal(["x", "y"], samples.Select(s => s.Subject));
        Assert.Equal("own: 2 examples were asked for, but for \"y\" there are 1 in DATA/own; ask for at most 1.",
            bench.Refusal(task, shots: 2));
    }

    [Fact]
    public void More_examples_than_there_are_are_refused()
    {
        using var bench = Bench();
        Assert.Equal("own: 4 examples were asked for, but there are 3 in DATA/own; ask for at most 3.",
            bench.Refusal(Task(), shots: 4));
    }

    [Fact]
    public void An_example_may_be_written_by_templates_of_its_own()
    {
        using var bench = Bench();
        var task = TaskWorkbench.Generation();
        task["fields"]!["reason"] = new JsonArray("row.r", "''");
        task["shots"] = new JsonObject
        {
            ["data"] = new JsonObject { ["rows"] = "train.jsonl" },
            ["question"] = "E: {{ stem }}\n",
            ["answer"] = "{{ reason }}",
        };
        Assert.Equal("E: t1\nbecause\n\nQ: s1\nA:", bench.Load(task, shots: 1).Samples[0].Prompt!.ToText());
        task["shots"]!.AsObject().Remove("answer");
        Assert.Equal("E: t1\n 1\n\nQ: s1\nA:", bench.Load(task, shots: 1).Samples[0].Prompt!.ToText());
    }

    [Fact]
    public void The_limit_takes_the_first_samples_and_the_hash_is_of_all_files()
    {
        using var bench = Bench();
        var (one, all, withShots) = (bench.Load(Task(), limit: 1), bench.Load(Task(), limit: 9),
            bench.Load(Task(), shots: 1));
        Assert.Equal((1, 2), (one.Samples.Count, all.Samples.Count));
        Assert.Equal(one.Sha256, all.Sha256);
        Assert.NotEqual(one.Sha256, withShots.Sha256);
        Assert.Equal(["rows.jsonl", "train.jsonl"], withShots.Files.Select(f => Path.GetFileName(f)));
        Assert.Equal(Convert.ToHexStringLower(
            System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(bench.Data("own/rows.jsonl")))), one.Sha256);
    }

    [Fact]
    public void The_tasks_own_folder_is_taken_too_but_not_one_of_another_name()
    {
        using var bench = Bench();
        var task = TaskWorkbench.Parse(Task());
        Assert.Equal(2, TaskData.Load(task, bench.Data("own"), 0).Samples.Count);
        Assert.Throws<CrossheadException>(() => TaskData.Load(task with { Name = "other" }, bench.Data("own"), 0));
        Assert.Equal(2, TaskData.Load(task with { Name = "other", Folders = ["own"] }, bench.Root, 0).Samples.Count);
    }

    [Fact]
    public void Shuffled_choices_are_the_same_every_time_and_gold_goes_with_them()
    {
        using var bench = new TaskWorkbench();
        var task = TaskWorkbench.Choice();
        task["shuffleSeed"] = 7;
        task["question"] = "{{ choices | join: ' ' }}";
        bench.Write("rows.jsonl", string.Concat(
            Enumerable.Repeat("""{"q": "x", "options": ["a", "b", "c", "d"], "answer": 2}""" + "\n", 400)));
        var samples = bench.Load(task).Samples;
        Assert.All(samples, s => Assert.Equal("c", s.Choices[s.Gold].Text));
        Assert.All(samples, s => Assert.Equal(["a", "b", "c", "d"], s.Choices.Select(c => c.Text).Order()));
        Assert.All(samples,
            s => Assert.Equal(string.Join(' ', s.Choices.Select(c => c.Text)), s.Choices[0].Prompt.Question));
        // 100 each, 4.6 standard deviations
        Assert.All(samples.CountBy(s => s.Gold), g => Assert.InRange(g.Value, 60, 140));
        Assert.Equal("a d b c", samples[0].Choices[0].Prompt.Question); // the generator is the same on every machine
        Assert.Equal(samples.Select(s => s.Gold), bench.Load(task).Samples.Select(s => s.Gold));
        task["shuffleSeed"] = 8;
        Assert.NotEqual(samples.Select(s => s.Gold), bench.Load(task).Samples.Select(s => s.Gold));
    }

    [Fact]
    public void Reading_can_be_cancelled()
    {
        using var bench = Bench();
        Assert.Throws<OperationCanceledException>(() =>
            TaskData.Load(TaskWorkbench.Parse(Task()), bench.Root, 0, null, new CancellationToken(canceled: true)));
    }

    private static JsonObject Task()
    {
        var task = TaskWorkbench.Choice();
        task["shots"] = new JsonObject { ["data"] = new JsonObject { ["rows"] = "train.jsonl" } };
        return task;
    }

    private static TaskWorkbench Bench() => new TaskWorkbench()
        .Write("rows.jsonl", """
            {"q": "s1", "options": ["a", "b"], "answer": 0, "s": "x"}
            {"q": "s2", "options": ["a", "b"], "answer": 1, "s": "y"}
            """)
        .Write("train.jsonl", """
            {"q": "t1", "options": ["a", "b"], "answer": 1, "s": "x", "r": "because"}
            {"q": "t2", "options": ["c"], "answer": 0, "s": "x", "r": "so"}
            {"q": "t3", "options": ["a", "b"], "answer": 1, "s": "y", "r": "thus"}
            """);
}
