using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Runtime.Distributed;

namespace Crosshead.Cli.Terminal;

/// <summary>
/// Output of a command. People get tables and a sentence on their meaning, on standard output. Scripts (<c>--json</c>)
/// get one JSON object there and nothing else. Messages and progress always go to standard error.
/// </summary>
internal sealed class CommandOutput(StandardStreams terminal, bool json, ICommunicator? communicator = null)
{
    private static readonly JsonWriterOptions s_format =
        new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Whether the result is one JSON object.</summary>
    public bool Json => json;

    /// <summary>The streams.</summary>
    public StandardStreams Terminal => terminal;

    /// <summary>The processes that run the command together. Only what rank 0 writes is shown.</summary>
    public ICommunicator Communicator { get; } = communicator ?? Alone.Instance;

    /// <summary>Writes a message about the run to standard error.</summary>
    public void Message(string text) => terminal.Error.WriteLine(text);

    /// <summary>Writes a line of the result for people; nothing with <c>--json</c>.</summary>
    public void Line(string text = "")
    {
        if (!json)
            terminal.Out.WriteLine(text);
    }

    /// <summary>
    /// Writes text that is itself the result, unchanged and without delay; nothing with <c>--json</c>.
    /// </summary>
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
    /// Starts to show the progress of an activity that may take longer than two seconds. Dispose the line at the end.
    /// </summary>
    /// <param name="activity">Name of the activity, such as <c>encoding</c>.</param>
    /// <param name="unit">Unit of the count: <c>B</c>, <c>tokens</c>, <c>documents</c>.</param>
    public ProgressLine Progress(string activity, string unit) =>
        new(terminal.Error, terminal.ErrorIsScreen, activity, unit);

    /// <summary>Writes the JSON object of the run; nothing without <c>--json</c>.</summary>
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

    /// <summary>A number for JSON. Infinity and NaN do not exist in JSON and become null.</summary>
    public static JsonNode? Number(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;

    /// <summary>A list for JSON.</summary>
    public static JsonArray List<T>(IEnumerable<T> items, Func<T, JsonNode?> node) => new([.. items.Select(node)]);
}
