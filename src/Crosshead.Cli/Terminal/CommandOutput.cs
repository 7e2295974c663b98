using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Crosshead.Cli.Terminal;

/// <summary>
/// What a command shows. For people: tables and a sentence on what they mean, on standard output. For scripts
/// (<c>--json</c>): one JSON object there, and nothing else. Messages and progress go to standard error either way.
/// </summary>
internal sealed class CommandOutput(StandardStreams terminal, bool json)
{
    private static readonly JsonWriterOptions s_format =
        new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Whether the result is to be one JSON object.</summary>
    public bool Json => json;

    /// <summary>The streams.</summary>
    public StandardStreams Terminal => terminal;

    /// <summary>Tells something about the run on standard error.</summary>
    public void Message(string text) => terminal.Error.WriteLine(text);

    /// <summary>Writes a line of the result for people; nothing with <c>--json</c>.</summary>
    public void Line(string text = "")
    {
        if (!json)
            terminal.Out.WriteLine(text);
    }

    /// <summary>Writes text that is itself the result, exactly and at once; nothing with <c>--json</c>.</summary>
    public void Text(string text)
    {
        if (!json)
            terminal.Out.Write(text);
    }

    /// <summary>Writes a table for people; nothing with <c>--json</c>.</summary>
    public void Table(ResultTable table)
    {
        if (!json)
            table.Write(terminal);
    }

    /// <summary>
    /// Starts to show the progress of something that may take longer than two seconds; dispose it when done.
    /// </summary>
    /// <param name="activity">What is being done: <c>encoding</c>.</param>
    /// <param name="unit">What is counted: <c>B</c>, <c>tokens</c>, <c>documents</c>.</param>
    public ProgressLine Progress(string activity, string unit) =>
        new(terminal.Error, terminal.ErrorIsScreen, activity, unit);

    /// <summary>Writes the one JSON object of the run; nothing without <c>--json</c>.</summary>
    public void Result(JsonObject result)
    {
        if (!json)
            return;
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, s_format))
            result.WriteTo(writer);
        terminal.Out.WriteLine(System.Text.Encoding.UTF8.GetString(buffer.ToArray()));
        terminal.Out.Flush();
    }

    /// <summary>A number for JSON, which knows no infinity and no NaN: those become null.</summary>
    public static JsonNode? Number(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;

    /// <summary>A list for JSON.</summary>
    public static JsonArray List<T>(IEnumerable<T> items, Func<T, JsonNode?> node) => new([.. items.Select(node)]);
}
