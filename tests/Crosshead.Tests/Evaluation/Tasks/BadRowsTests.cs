using System.Text.Json.Nodes;
using Parquet.Serialization;

namespace Crosshead.Tests.Evaluation.Tasks;

/// <summary>Data that is not as the task says is refused with the place, the value and the remedy.</summary>
public sealed class BadRowsTests
{
    private const string Good = """{"q": "one?", "options": ["a", "b"], "answer": 1}""";

    [Theory]
    [InlineData("{\"q\": ", "DATA/own/rows.jsonl, line 2: it is not valid JSON (")]
    [InlineData("[1]", "DATA/own/rows.jsonl, line 2: the row is a JSON array, but an object is expected")]
    [InlineData("""{"options": ["a"], "answer": 0}""",
        "DATA/own/rows.jsonl, line 2: there is no row.q for the field \"stem\"; the row has options, answer")]
    [InlineData("""{"q": null, "options": ["a"], "answer": 0}""", "line 2: there is no row.q for the field \"stem\"")]
    [InlineData("""{"q": "x", "options": ["a", "b"], "answer": 2}""",
        "line 2: the answer (2) must be 0 to 1; repair or remove the row.")]
    [InlineData("""{"q": "x", "options": ["a", "b"], "answer": -1}""", "line 2: the answer (-1) must be 0 to 1")]
    [InlineData("""{"q": "x", "options": ["a", "b"], "answer": ""}""",
        "line 2: the answer (an empty text) must be 0 to 1")]
    [InlineData("""{"q": "x", "options": ["a", "b"], "answer": [1]}""", "line 2: the answer (1) must be 0 to 1")]
    [InlineData("""{"q": "x", "options": [], "answer": 0}""", "line 2: there are no choices (an empty list)")]
    [InlineData("""{"q": "x", "options": "ab", "answer": 0}""", "line 2: choices must be a list of texts")]
    [InlineData("""{"q": "x", "options": ["a", 7], "answer": 0}""",
        "line 2: choice 2 is a number (7), but a text is expected")]
    [InlineData("""{"q": "x", "options": ["a", null], "answer": 0}""",
        "line 2: choice 2 is null, but a text is expected")]
    [InlineData("""{"q": "x", "options": ["a", ""], "answer": 0}""", "line 2: choice 2 is empty")]
    [InlineData("""{"q": "x", "q": "y", "options": ["a"], "answer": 0}""", "line 2: it is not valid JSON (")]
    [InlineData("PK\u0003\u0004\0\0", "DATA/own/rows.jsonl is not text: byte ")]
    public void A_row_is_refused_with_its_line(string line, string message)
    {
        using var bench = new TaskWorkbench();
        Assert.Contains(message, bench.Write("rows.jsonl", Good + "\n" + line + "\n").Refusal(TaskWorkbench.Choice()),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rows.json", "{\"a\": 1}\n",
        "must be a list of objects, or an object with one such list in it; it has 0 lists.")]
    [InlineData("rows.json", "{\"a\": [], \"b\": []}", "it has 2 lists (a, b).")]
    [InlineData("rows.json", "[[]]", "rows.json, item 1: the row is a JSON array")]
    [InlineData("rows.json", "\u0001\u0002", "rows.json: it is not valid JSON")]
    [InlineData("rows.jsonl", "\n\n",
        "own: DATA/own/rows.jsonl hold no rows; get the data from https://example.org/own.")]
    [InlineData("rows.jsonl", "", "hold no rows")]
    [InlineData("rows.csv", "q,q,answer\nx,y,1", "rows.csv: two columns are called \"q\"")]
    [InlineData("rows.csv", "q,options,answer\nx,y",
        "rows.csv, row 2: it has 2 columns, but 3 are expected (q, options, answer)")]
    [InlineData("rows.csv", "q,options,answer\nx,\0y,0",
        "rows.csv, row 2: it is not valid CSV in UTF-8 (it holds a NUL character)")]
    [InlineData("rows.csv", "q,options,answer\nx,y,0", "rows.csv, row 2: choices must be a list of texts")]
    [InlineData("rows.csv", "q,options,answer\n", "hold no rows")]
    [InlineData("rows.csv", "q,options,answer\nx,\"y,0\n", "rows.csv, row 2: it is not valid CSV in UTF-8 (")]
    [InlineData("rows.csv", "q,options,answer\nx,y\"z,0\n", "rows.csv, row 2: choices must be a list of texts")]
    [InlineData("rows.doc", "x",
        "rows.doc: rows of the format \".doc\" cannot be read; use .jsonl, .json, .csv, .tsv, .parquet or .txt.")]
    [InlineData("rows.parquet", "PAR1 and no more", "rows.parquet is not a whole Parquet file (")]
    [InlineData("rows.parquet", "", "rows.parquet is not a whole Parquet file (")]
    public void A_file_is_refused(string file, string text, string message)
    {
        using var bench = new TaskWorkbench();
        Assert.Contains(message, bench.Write(file, text).Refusal(TaskWorkbench.Choice()), StringComparison.Ordinal);
    }

    [Fact]
    public void Csv_that_is_not_utf8_is_refused()
    {
        using var bench = new TaskWorkbench();
        File.WriteAllBytes(bench.Data("own/rows.csv"), [.. "q,options,answer\nx"u8, 0xE9, .. ",y,0\n"u8]);
        Assert.Contains("rows.csv, row 1: it is not valid CSV in UTF-8 (", bench.Refusal(TaskWorkbench.Choice()),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_truncated_parquet_file_is_refused()
    {
        using var bench = new TaskWorkbench();
        var path = bench.Data("own/rows.parquet");
        await ParquetSerializer.SerializeAsync(new[] { new Row { q = "x" } }, path);
        var bytes = File.ReadAllBytes(path);
        foreach (var length in new[] { 4, bytes.Length / 2, bytes.Length - 1 })
        {
            File.WriteAllBytes(path, bytes[..length]);
            Assert.Contains("is not a whole Parquet file", bench.Refusal(TaskWorkbench.Choice()),
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_null_among_the_choices_of_a_parquet_file_is_not_dropped()
    {
        using var bench = new TaskWorkbench();
        await ParquetSerializer.SerializeAsync(
            new[] { new Row { options = ["a", "b", "c"] }, new Row { options = ["a", null, "c"] } },
            bench.Data("own/rows.parquet"));
        Assert.Contains("rows.parquet, row 2: choice 2 is null, but a text is expected",
            bench.Refusal(TaskWorkbench.Choice()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0\n", 1, 2)]
    [InlineData("0\n1\n0\n", 3, 2)]
    [InlineData("", 0, 2)]
    public void Labels_must_be_as_many_as_rows(string labels, int count, int rows)
    {
        using var bench = new TaskWorkbench();
        var task = Labelled();
        bench.Write("rows.jsonl", string.Concat(Enumerable.Repeat(Good + "\n", rows))).Write("labels.lst", labels);
        Assert.Equal($"DATA/own/labels.lst has {count} labels for {rows} rows; each row needs one line, get both "
            + $"files again.", bench.Refusal(task));
        Assert.Contains($"has {count} labels for {rows} rows", bench.Refusal(task, limit: 1), StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_that_are_as_many_are_taken()
    {
        using var bench = new TaskWorkbench();
        bench.Write("rows.jsonl", Good + "\n" + Good).Write("labels.lst", "1\n0\n");
        Assert.Equal([1, 0], bench.Load(Labelled()).Samples.Select(s => s.Gold));
    }

    [Fact]
    public void Without_its_labels_a_file_is_not_found()
    {
        using var bench = new TaskWorkbench();
        Assert.Equal("own: found none of rows.jsonl with labels.lst in DATA/own; get the data from "
            + "https://example.org/own.", bench.Write("rows.jsonl", Good).Refusal(Labelled()));
    }

    [Fact]
    public void Rows_without_labels_in_them_or_beside_them_are_refused_with_both()
    {
        using var bench = new TaskWorkbench();
        bench.Write("rows.jsonl", """{"q": "x", "options": ["a"]}""");
        var task = Labelled();
        task["data"] = new JsonArray(task["data"]!.DeepClone(), new JsonObject { ["rows"] = "rows.jsonl" });
        Assert.Contains("there is no row.label for the field \"answer\"; the row has q, options, and labels.lst is not "
            + "beside its file:", bench.Refusal(task), StringComparison.Ordinal);
    }

    [Fact]
    public void A_task_without_files_says_what_was_looked_for_and_where()
    {
        using var bench = new TaskWorkbench();
        Assert.Equal("own: found none of rows.jsonl, rows.json, rows.csv, rows.parquet, rows.doc in DATA/own; get the "
            + "data from https://example.org/own.", bench.Refusal(TaskWorkbench.Choice()));
        Directory.Delete(bench.Data("own"));
        Assert.Equal("own: found none of rows.jsonl, rows.json, rows.csv, rows.parquet, rows.doc in DATA/own (no such "
            + "folder); get the data from https://example.org/own.", bench.Refusal(TaskWorkbench.Choice()));
        Directory.Delete(bench.Root);
        Assert.Equal("the data folder \"DATA\" does not exist; name the folder that holds own/.",
            bench.Refusal(TaskWorkbench.Choice()));
    }

    [Theory]
    [InlineData("lettre", "the answer (C) must be A to B")]
    [InlineData("label", "the answer (C) must be one of x, y")]
    [InlineData("text", "the answer (C) must be one of the choices")]
    [InlineData("number", "the answer (C) must be 1 to 2")]
    public void An_answer_outside_the_choices_is_refused_however_it_is_read(string reading, string message)
    {
        using var bench = new TaskWorkbench();
        var task = TaskWorkbench.Choice();
        task["answer"] = reading == "lettre" ? "letter" : reading;
        task["fields"]!["labels"] = "row.labels";
        bench.Write("rows.jsonl", """{"q": "x", "options": ["a", "b"], "labels": ["x", "y"], "answer": "C"}""");
        Assert.Contains(message, bench.Refusal(task), StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_of_another_number_than_choices_are_refused()
    {
        using var bench = new TaskWorkbench();
        var task = TaskWorkbench.Choice();
        task["answer"] = "label";
        task["fields"]!["labels"] = "row.labels";
        bench.Write("rows.jsonl", """{"q": "x", "options": ["a", "b"], "labels": ["x"], "answer": "x"}""");
        Assert.Contains("there are 1 labels for 2 choices", bench.Refusal(task), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"q": "x", "answer": ""}""", "the answer is empty")]
    [InlineData("""{"q": "x", "answer": []}""", "the answer is empty")]
    [InlineData("""{"q": "x", "answer": {"a": 1}}""", "an answer is an object, but a text or number is expected")]
    public void An_answer_to_be_written_must_be_some_text(string row, string message)
    {
        using var bench = new TaskWorkbench();
        Assert.Contains(message, bench.Write("rows.jsonl", row).Refusal(TaskWorkbench.Generation()),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_template_that_needs_what_a_row_lacks_is_refused()
    {
        using var bench = new TaskWorkbench();
        var task = TaskWorkbench.Choice();
        task["question"] = "{{ stem.part }}";
        Assert.Equal("DATA/own/rows.jsonl, line 1: question needs \"stem.part\", which the row does not have; repair "
            + "the row or the task file.", bench.Write("rows.jsonl", Good).Refusal(task));
    }

    [Fact]
    public void A_filter_that_cannot_take_a_value_is_refused()
    {
        using var bench = new TaskWorkbench();
        var task = TaskWorkbench.Choice();
        task["fields"]!["stem"] = "row.q | before: '_'";
        Assert.Equal("DATA/own/rows.jsonl, line 1: fields.stem: \"one?\" does not hold \"_\"; repair the row or the "
            + "task file.", bench.Write("rows.jsonl", Good).Refusal(task));
    }

    [Theory]
    [InlineData(-1, null, "the number of examples (-1) must be at least 0.")]
    [InlineData(0, 0, "the limit (0) must be at least 1 sample.")]
    [InlineData(2, null, "own has no examples, but 2 were asked for; ask for 0.")]
    public void Numbers_out_of_range_are_refused(int shots, int? limit, string message)
    {
        using var bench = new TaskWorkbench();
        Assert.Equal(message, bench.Write("rows.jsonl", Good).Refusal(TaskWorkbench.Choice(), shots, limit));
    }

    private static JsonObject Labelled()
    {
        var task = TaskWorkbench.Choice();
        task["data"] = new JsonObject { ["rows"] = "rows.jsonl", ["labels"] = "labels.lst" };
        task["fields"]!["answer"] = "row.label";
        return task;
    }

    private sealed class Row
    {
        public string q { get; set; } = "";
        public List<string?> options { get; set; } = ["a"];
        public long answer { get; set; }
    }
}
