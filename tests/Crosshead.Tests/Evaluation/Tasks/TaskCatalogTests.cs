using Crosshead.Evaluation.Tasks;

namespace Crosshead.Tests.Evaluation.Tasks;

public sealed class TaskCatalogTests
{
    private static readonly string[] Known =
    [
        "aime2025", "arc_challenge", "arc_easy", "chembench", "chembench4k", "climaqa", "climaqa_cloze", "gpqa",
        "gsm8k", "hellaswag", "lambada", "livemathbench",
        "math500", "medxpertqa", "mmlu", "mmlu_pro", "olymmath_easy", "olymmath_hard", "olympiadbench", "openbookqa",
        "physics", "piqa", "recall_codes_24", "recall_codes_96", "recall_copy_320", "recall_copy_64",
        "recall_grid_128", "recall_grid_32", "recall_identifiers_12", "recall_identifiers_44", "recall_needle_160",
        "recall_needle_40", "recall_neighbours_160", "recall_neighbours_32", "recall_pairs_128",
        "recall_pairs_32", "recall_records_20", "recall_records_80", "recall_repeats_400",
        "recall_repeats_64", "recall_variables_128", "recall_variables_32", "supergpqa",
        "wikitext2", "winogrande", "written_codes_96", "written_needle_160", "written_pairs_128",
    ];

    [Fact]
    public void The_library_has_these_tasks_in_seven_groups()
    {
        var tasks = TaskCatalog.Load().Tasks;
        Assert.Equal(Known, tasks.Select(t => t.Name));
        Assert.Equal(["commonsense", "knowledge", "language", "mathematics", "recall", "science", "written"],
            tasks.Select(t => t.Group).Distinct().Order());
        Assert.All(tasks.Where(t => t.Group is not ("recall" or "written")),
            t => Assert.Contains("https://", t.Source, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("piqa,gsm8k,piqa", "piqa,gsm8k")]
    [InlineData("arc", "arc_challenge,arc_easy")]
    [InlineData("olymmath,arc_easy", "olymmath_easy,olymmath_hard,arc_easy")]
    [InlineData("knowledge", "mmlu,mmlu_pro")]
    [InlineData("PIQA,Arc,Knowledge", "piqa,arc_challenge,arc_easy,mmlu,mmlu_pro")]
    public void Names_families_and_groups_are_resolved(string asked, string found) =>
        Assert.Equal(found.Split(','), TaskCatalog.Load().Resolve(asked.Split(',')).Select(t => t.Name));

    [Fact]
    public void All_is_all() => Assert.Equal(Known.Length, TaskCatalog.Load().Resolve(["all"]).Count);

    [Theory]
    [InlineData("arc-easy", "task \"arc-easy\" is unknown; did you mean \"arc_easy\"? known: aime2025, ")]
    [InlineData("hellaswg", "did you mean \"hellaswag\"?")]
    public void An_unknown_name_gets_a_suggestion(string name, string message) =>
        Assert.Contains(message, Assert.Throws<CrossheadException>(() => TaskCatalog.Load().Resolve([name])).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Recall_tasks_are_made_and_need_no_folder()
    {
        foreach (var task in TaskCatalog.Load().Resolve(["recall"]))
        {
            var data = TaskData.Load(task, "no such folder", shots: 0);
            Assert.Equal(task.Name.Contains("needle", StringComparison.Ordinal) ? 64 * 4 : 64 * 8, data.Samples.Count);
            Assert.Equal(data.Sha256, TaskData.Load(task, "no such folder", shots: 0, limit: 3).Sha256);
            var choice = data.Samples[7].Choices[0];
            Assert.StartsWith(" ", choice.Continuation, StringComparison.Ordinal);
            Assert.DoesNotMatch(@"\s$", choice.Prompt.Question);
        }
    }

    [Fact]
    public void Written_recall_asks_what_recall_asks()
    {
        foreach (var task in TaskCatalog.Load().Resolve(["written"]))
        {
            var written = TaskData.Load(task, "no such folder", shots: 0).Samples;
            var chosen = TaskData.Load(TaskCatalog.Load().Resolve([task.Name.Replace("written", "recall",
                StringComparison.Ordinal)]).Single(), "no such folder", shots: 0).Samples;
            Assert.Equal(chosen.Select(s => (s.Choices[0].Prompt.Question, s.Choices[0].Continuation.Trim())),
                written.Select(s => (s.Prompt!.Question, s.Answers.Single())));
        }
    }

    [Theory]
    [InlineData("""{ "recall": "pair_3" }""", "the kind of the recall task \"pair_3\" is unknown")]
    [InlineData("""{ "recall": "pairs_3", "rows": "a.txt" }""", "or a recall task in their place")]
    [InlineData("""{ "recall": "pairs_3", "texts": 0 }""", "data.texts (0) must be 1 to 1000000")]
    [InlineData("""{ "recall": "pairs_3", "labels": "a" }""", "a recall task stands alone")]
    public void Recall_data_that_are_wrong_are_refused(string data, string told)
    {
        var task = TaskWorkbench.Choice();
        task["data"] = System.Text.Json.Nodes.JsonNode.Parse(data);
        Assert.Contains(told, Assert.Throws<CrossheadException>(() => TaskFile.Parse(task.ToJsonString(), "t")).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void No_name_is_refused() =>
        Assert.StartsWith("no task is named;",
            Assert.Throws<CrossheadException>(() => TaskCatalog.Load().Resolve([])).Message, StringComparison.Ordinal);

    [Fact]
    public void A_users_file_adds_a_task_and_one_of_the_same_name_replaces_it()
    {
        using var folder = new TemporaryFolder();
        var piqa = TaskWorkbench.Choice();
        piqa["name"] = "piqa";
        File.WriteAllText(folder.File("a.json"), TaskWorkbench.Choice().ToJsonString());
        File.WriteAllText(folder.File("b.json"), piqa.ToJsonString());
        var catalog = TaskCatalog.Load(folder.Path);
        Assert.Equal(Known.Length + 1, catalog.Tasks.Count);
        Assert.All(catalog.Resolve(["own", "piqa"]), t => Assert.Equal("mine", t.Group));

        File.WriteAllText(folder.File("c.json"), piqa.ToJsonString());
        Assert.Contains("both describe the task \"piqa\"",
            Assert.Throws<CrossheadException>(() => TaskCatalog.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_example_of_the_documentation_works()
    {
        var text = File.ReadAllText(Path.Combine(Path.GetDirectoryName(ThisFile())!, "../../../../docs/tasks.md"));
        var task = TaskFile.Parse(text.Split("```json")[1].Split("```")[0], "docs/tasks.md");
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("capitals"));
        File.WriteAllText(folder.File("capitals/test.jsonl"),
            """{"country": "France", "cities": ["Lyon", "Paris", "Nice"], "capital": "Paris"}""");
        File.WriteAllText(folder.File("capitals/train.jsonl"), """
            {"country": " Chad ", "a": "N'Djamena", "b": "Moundou", "c": "Abéché", "capital": "N'Djamena"}
            {"country": "Peru", "cities": ["Cusco", "Lima"], "capital": "Lima"}
            """);
        var sample = Assert.Single(TaskData.Load(task, folder.Path, task.DefaultShots).Samples);
        Assert.Equal("Question: What is the capital of Chad?\nAnswer: N'Djamena\n\nQuestion: What is the capital of "
            + "Peru?\nAnswer: Lima\n\nQuestion: What is the capital of France?\nAnswer:",
            sample.Choices[1].Prompt.ToText());
        Assert.Equal((1, " Paris"), (sample.Gold, sample.Choices[1].Continuation));
    }

    private static string ThisFile([System.Runtime.CompilerServices.CallerFilePath] string path = "") => path;

    [Fact]
    public void A_folder_that_does_not_exist_is_refused() =>
        Assert.Contains("does not exist", Assert.Throws<CrossheadException>(
            () => TaskCatalog.Load("/no/such/folder")).Message, StringComparison.Ordinal);
}
