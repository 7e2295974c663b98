using System.Text;
using System.Text.Json.Nodes;

namespace Crosshead.Tests.Evaluation.Tasks;

/// <summary>A byte order mark says how a file is written; it is no part of its rows.</summary>
public sealed class MarkedRowsTests
{
    public static TheoryData<string, string> Files => new()
    {
        { "rows.jsonl", """{"q":"one","answer":"two"}""" + "\n" },
        { "rows.json", """[{"q":"one","answer":"two"}]""" },
        { "rows.json", """{"q":"one","answer":"two"}""" + "\n" + """{"q":"three","answer":"four"}""" },
        { "rows.csv", "q,answer\none,two\n" },
        { "rows.txt", "one\ntwo" },
    };

    [Theory, MemberData(nameof(Files))]
    public void Rows_with_a_mark_are_those_without(string file, string text)
    {
        using TaskWorkbench plain = new(), marked = new();
        plain.Write(file, text);
        marked.Write(file, "\uFEFF" + text);
        Assert.Equal(Texts(plain), Texts(marked));
        Assert.DoesNotContain('\uFEFF', Texts(marked));

        string Texts(TaskWorkbench bench) =>
            string.Join('|', bench.Load(Task(file)).Samples.Select(s => $"{s.Prompt!.Question} {s.Answers[0]}"));
    }

    [Theory, MemberData(nameof(Files))]
    public void Utf16_is_refused_by_name(string file, string text)
    {
        using var bench = new TaskWorkbench();
        foreach (var encoding in new[] { Encoding.Unicode, Encoding.BigEndianUnicode })
        {
            File.WriteAllBytes(bench.Data($"own/{file}"), [.. encoding.GetPreamble(), .. encoding.GetBytes(text)]);
            Assert.Contains($"DATA/own/{file} is UTF-16 text; convert it to UTF-8 first.", bench.Refusal(Task(file)));
        }
    }

    private static JsonObject Task(string file)
    {
        var task = TaskWorkbench.Generation();
        task["data"] = new JsonObject { ["rows"] = new JsonArray(file) };
        if (file == "rows.txt") task["fields"] = new JsonObject { ["stem"] = "row.text", ["answer"] = "row.text" };
        return task;
    }
}
