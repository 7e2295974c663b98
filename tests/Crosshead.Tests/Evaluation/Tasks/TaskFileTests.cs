using System.Text.Json.Nodes;
using Crosshead.Evaluation.Tasks;

namespace Crosshead.Tests.Evaluation.Tasks;

public sealed class TaskFileTests
{
    [Fact]
    public void A_task_says_what_its_file_says_and_has_defaults_for_the_rest()
    {
        var task = TaskWorkbench.Parse(TaskWorkbench.Choice());
        Assert.Equal("own", task.Name);
        Assert.Equal(TaskKind.Choice, task.Kind);
        Assert.Equal(["acc", "acc_norm"], task.Metrics);
        Assert.Equal(["row.q"], task.Fields["stem"]); // one value stands for a list of one
        Assert.Equal("rows.jsonl", task.Data[0].Rows[0]);
        Assert.Equal(" {{ text }}", task.Continuation);
        Assert.Equal(0, task.DefaultShots);
        Assert.Null(task.Note);
    }

    [Theory]
    [InlineData("""{ "qestion": "x" }""", "unknown key qestion; did you mean \"question\"?")]
    [InlineData("""{ "kind": "choise" }""", "kind (\"choise\") is unknown; did you mean \"choice\"?")]
    [InlineData("""{ "kind": 3 }""", "kind (3) must be one of choice, lastWord, text, generation.")]
    [InlineData("""{ "version": "one" }""", "version (\"one\") must be a whole number.")]
    [InlineData("""{ "version": 0 }""", "version (0) must be at least 1.")]
    [InlineData("""{ "name": "My Task" }""", "name (\"My Task\") must be lower-case")]
    [InlineData("""{ "name": 5 }""", "name (5) must be a text.")]
    [InlineData("""{ "fields": [] }""", "fields ([]) must be an object {…}.")]
    [InlineData("""{ "fields": { "text": "row.q" } }""", "\"text\" is a name that templates already have")]
    [InlineData("""{ "fields": { "stem": "row.q", "answer": "row.a" } }""",
        "fields must have \"choices\" for this kind of task")]
    [InlineData("""{ "answer": "label" }""", "fields must have \"labels\" for this kind of task")]
    [InlineData("""{ "metrics": ["acurracy"] }""",
        "metrics (\"acurracy\") is unknown for this kind of task; known: acc, acc_norm.")]
    [InlineData("""{ "metrics": null }""", "metrics (null) must be a text.")]
    [InlineData("""{ "data": { "row": ["x"] } }""", "unknown key data.row; did you mean \"rows\"?")]
    [InlineData("""{ "data": {} }""", "data must name at least one file of rows, or a recall task")]
    [InlineData("""{ "data": { "rows": "../x.jsonl" } }""", "must be a file below the task's folder")]
    [InlineData("""{ "data": { "recall": "pairs_303" } }""", "data: the recall task \"pairs_303\" must say how many")]
    [InlineData("""{ "kind": "lastWord", "metrics": "acc" }""",
        "text must be the template of what is scored for this kind of task, such as \"{{ answer }}\".")]
    [InlineData("""{ "filters": { "name": "x", "extract": "boxed" } }""", "filters are for tasks of kind generation")]
    [InlineData("""{ "question": "{{ stme }}" }""",
        "question names \"stme\", which is no field; did you mean \"stem\"?")]
    [InlineData("""{ "question": "{{ row.q }}" }""", "question names \"row\", which is no field")]
    [InlineData("""{ "question": "{{ stem | stripp }}" }""",
        "question uses the filter \"stripp\", which there is not; did you mean \"strip\"?")]
    [InlineData("""{ "question": "{{ stem" }""", "question is no Liquid:")]
    [InlineData("""{ "description": "{{ choice }}" }""", "description names \"choice\", which is no field")]
    [InlineData("""{ "fields": { "stem": "row.q }} {{ row.r", "choices": "row.o", "answer": "row.a" } }""",
        "fields.stem (row.q }} {{ row.r) must be one Liquid expression")]
    [InlineData("""{ "fields": { "stem": "choices", "choices": "row.o", "answer": "row.a" } }""",
        "fields.stem names \"choices\", which is no field")]
    [InlineData("""{ "shots": { "data": { "rows": "t.jsonl" }, "sameSubject": true } }""",
        "shots.sameSubject needs a field \"subject\"")]
    [InlineData("""{ "shots": { "data": { "rows": "t.jsonl" }, "sameSubject": "yes" } }""",
        "shots.sameSubject (\"yes\") must be true or false.")]
    public void A_file_that_is_not_right_is_refused_with_the_place(string change, string message)
    {
        var task = TaskWorkbench.Choice();
        foreach (var (key, value) in JsonNode.Parse(change)!.AsObject()) task[key] = value?.DeepClone();
        AssertRefused(task.ToJsonString(), message);
    }

    [Theory]
    [InlineData("""{ "maxTokens": 0 }""", "maxTokens (0) must be at least 1")]
    [InlineData("""{ "maxTokens": 3000000000 }""", "maxTokens is out of range; use a smaller number.")]
    [InlineData("""{ "maxTokens": 2.5 }""", "maxTokens (2.5) must be a whole number.")]
    [InlineData("""{ "stop": [1] }""", "stop[0] (1) must be a text.")]
    [InlineData("""{ "stop": [""] }""", "stop must hold no empty text")]
    [InlineData("""{ "filters": [] }""", "filters must hold at least one filter")]
    [InlineData("""{ "filters": { "extract": "whole" } }""", "filters.name is missing")]
    [InlineData("""{ "filters": { "name": "x", "extract": "regex" } }""",
        "filter \"x\": a pattern goes with extract \"regex\", and with that alone")]
    [InlineData("""{ "filters": { "name": "x", "extract": "regex", "pattern": "(" } }""",
        "filter \"x\": the pattern ( is no regular expression")]
    [InlineData("""{ "filters": { "name": "x", "extract": "boxed", "compare": "maths" } }""",
        "filters.compare (\"maths\") is unknown; known: text, number, mathematics, letterSet.")]
    [InlineData("""{ "shuffleSeed": 1 }""", "shuffleSeed is for tasks of choices")]
    public void A_task_of_writing_is_checked_likewise(string change, string message)
    {
        var task = TaskWorkbench.Generation();
        foreach (var (key, value) in JsonNode.Parse(change)!.AsObject()) task[key] = value?.DeepClone();
        AssertRefused(task.ToJsonString(), message);
    }

    [Theory]
    [InlineData("", "own.json is no JSON: it is empty; see docs/tasks.md.")]
    [InlineData("[]", "own.json is no task: it must be a JSON object {…}")]
    [InlineData("{ \"name\": \"a\",\n \"name\": \"b\" }", "own.json is no JSON:")]
    [InlineData("{ \"name\": ", "own.json is no JSON:")]
    public void Text_that_is_no_object_is_refused(string json, string message) => AssertRefused(json, message);

    [Theory]
    [InlineData("name")]
    [InlineData("question")]
    [InlineData("source")]
    [InlineData("fields")]
    public void A_missing_key_is_named(string key)
    {
        var task = TaskWorkbench.Choice();
        task.Remove(key);
        AssertRefused(task.ToJsonString(), $"{key} is missing; add it");
    }

    private static void AssertRefused(string json, string message)
    {
        var told = Assert.Throws<CrossheadException>(() => TaskFile.Parse(json, "own.json")).Message;
        Assert.StartsWith("own.json", told, StringComparison.Ordinal);
        Assert.Contains(message, told, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', told);
    }
}
