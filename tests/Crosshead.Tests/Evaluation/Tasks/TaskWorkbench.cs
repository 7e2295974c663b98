using System.Text.Json.Nodes;
using Crosshead.Evaluation.Tasks;

namespace Crosshead.Tests.Evaluation.Tasks;

/// <summary>A folder with a small task of the test's own and its data.</summary>
internal sealed class TaskWorkbench : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TaskWorkbench() => Directory.CreateDirectory(Data("own"));

    public string Root => _folder.File("data");

    /// <summary>A task of the choice among <c>options</c>, to be changed by the test.</summary>
    public static JsonObject Choice() => new()
    {
        ["name"] = "own",
        ["version"] = 1,
        ["kind"] = "choice",
        ["group"] = "mine",
        ["about"] = "A test's own task.",
        ["source"] = "https://example.org/own",
        ["data"] = new JsonObject
        {
            ["rows"] = new JsonArray("rows.jsonl", "rows.json", "rows.csv", "rows.parquet", "rows.doc"),
        },
        ["fields"] = new JsonObject { ["stem"] = "row.q", ["choices"] = "row.options", ["answer"] = "row.answer" },
        ["question"] = "Q: {{ stem }}\nA:",
        ["metrics"] = new JsonArray("acc", "acc_norm"),
    };

    /// <summary>A task whose answer the model writes.</summary>
    public static JsonObject Generation()
    {
        var task = Choice();
        task["kind"] = "generation";
        task["fields"] = new JsonObject { ["stem"] = "row.q", ["answer"] = "row.answer" };
        task["metrics"] = new JsonArray("exact_match");
        task["filters"] = new JsonObject { ["name"] = "whole", ["extract"] = "whole" };
        return task;
    }

    public static EvaluationTask Parse(JsonObject task) => TaskFile.Parse(task.ToJsonString(), "own.json");

    public string Data(string name) => Path.Combine(Root, name);

    public TaskWorkbench Write(string name, string text)
    {
        var path = Data(Path.Combine("own", name));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return this;
    }

    public TaskData Load(JsonObject task, int shots = 0, int? limit = null) =>
        TaskData.Load(Parse(task), Root, shots, limit, TestContext.Current.CancellationToken);

    /// <summary>The message of a refusal, which is one line.</summary>
    public string Refusal(JsonObject task, int shots = 0, int? limit = null)
    {
        var message = Assert.Throws<CrossheadException>(() => Load(task, shots, limit)).Message;
        Assert.DoesNotContain('\n', message);
        return message.Replace(Root, "DATA", StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
