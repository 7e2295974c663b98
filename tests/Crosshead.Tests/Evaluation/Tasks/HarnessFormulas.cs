using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Crosshead.Tests.Evaluation.Tasks;

/// <summary>
/// The rows of six benchmarks as lm-evaluation-harness puts them, written plainly as the reference of the task files.
/// </summary>
internal static class HarnessFormulas
{
    /// <summary>The pairs that are scored, the choices whose lengths acc_norm divides by, and the right one.</summary>
    public sealed record Expected((string Context, string Continuation)[] Pairs, string[] Choices, int Gold);

    public static IEnumerable<Expected> Of(string task, string folder) => task switch
    {
        "piqa" => Rows(folder, "valid.jsonl")
            .Zip(File.ReadLines(Path.Combine(folder, "valid-labels.lst")), (r, label) =>
                Plain($"Question: {Text(r, "goal")}\nAnswer:", [Text(r, "sol1"), Text(r, "sol2")],
                    int.Parse(label, CultureInfo.InvariantCulture))),
        "openbookqa" => Rows(folder, "test.jsonl").Select(r => Labelled(r, q => q)),
        "arc_easy" or "arc_challenge" =>
            Rows(folder, "test.jsonl").Select(r => Labelled(r, q => $"Question: {q}\nAnswer:")),
        "winogrande" => Rows(folder, "dev.jsonl").Select(Winogrande),
        "hellaswag" => Rows(folder, "val.jsonl").Select(HellaSwag),
        _ => throw new ArgumentOutOfRangeException(nameof(task), task, "no formula"),
    };

    private static Expected Labelled(JsonElement row, Func<string, string> context)
    {
        var question = row.GetProperty("question");
        string stem;
        string[] choices, labels;
        if (question.ValueKind == JsonValueKind.Object)
        {
            var items = question.GetProperty("choices").EnumerateArray().ToArray();
            (stem, choices, labels) = (Text(question, "stem"), [.. items.Select(c => Text(c, "text"))],
                [.. items.Select(c => Text(c, "label"))]);
        }
        else
        {
            var of = row.GetProperty("choices");
            (stem, choices, labels) = (question.GetString()!, Texts(of, "text"), Texts(of, "label"));
        }
        return Plain(context(stem), choices, Array.IndexOf(labels, Text(row, "answerKey").TrimStart()));
    }

    private static Expected Winogrande(JsonElement row)
    {
        var sentence = Text(row, "sentence");
        var gap = sentence.IndexOf('_', StringComparison.Ordinal);
        string[] choices = [sentence[..gap] + Text(row, "option1"), sentence[..gap] + Text(row, "option2")];
        return new([.. choices.Select(c => (c, " " + sentence[(gap + 1)..].Trim()))], choices,
            int.Parse(Text(row, "answer"), CultureInfo.InvariantCulture) - 1);
    }

    private static Expected HellaSwag(JsonElement row)
    {
        var b = Text(row, "ctx_b");
        var capitalized = b.Length == 0 ? b : b[..1].ToUpperInvariant() + b[1..].ToLowerInvariant();
        return Plain(Clean($"{Text(row, "activity_label")}: {Text(row, "ctx_a")} {capitalized}"),
            [.. Texts(row, "endings").Select(Clean)], row.GetProperty("label").GetInt32());
    }

    private static string Clean(string text) =>
        Regex.Replace(text.Trim().Replace(" [title]", ". ", StringComparison.Ordinal), @"\[.*?\]", "")
        .Replace("  ", " ", StringComparison.Ordinal);

    private static Expected Plain(string context, string[] choices, int gold) =>
        new([.. choices.Select(c => (context, " " + c))], choices, gold);

    private static IEnumerable<JsonElement> Rows(string folder, string file) =>
        File.ReadLines(Path.Combine(folder, file)).Select(line => JsonDocument.Parse(line).RootElement);

    private static string Text(JsonElement row, string field) => row.GetProperty(field).GetString()!;

    private static string[] Texts(JsonElement row, string field) =>
        [.. row.GetProperty(field).EnumerateArray().Select(e => e.GetString()!)];
}
