using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Files;

namespace Crosshead;

/// <summary>
/// Shows text from a file or a command line in messages: on one line, with invisible characters escaped, and cut if it
/// is long.
/// </summary>
public static class ForeignText
{
    private const int LongestValue = 100;
    private const int LongestReason = 200;
    private const int LongestMessage = 2000;
    private const int InUse = 11; // EWOULDBLOCK: .NET locks files that it opens without sharing

    private static readonly JsonSerializerOptions Plain =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// A name or a value: at most 100 characters of it, line breaks and other invisible characters escaped.
    /// </summary>
    internal static string Shown(this string text) => Cut(text, LongestValue);

    /// <summary>A JSON value, cut and escaped as any text.</summary>
    internal static string Shown(this JsonNode? value)
    {
        try
        {
            return Shown(value?.ToJsonString(Plain) ?? "null");
        }
        catch (InvalidOperationException) // half of a surrogate pair
        {
            return $"a JSON {value!.GetValueKind().ToString().ToLowerInvariant()}";
        }
    }

    /// <summary>
    /// The message of an exception without its full stop, for use within a sentence. For an error in a JSON document it
    /// contains the line, unless it is the first line.
    /// </summary>
    public static string Reason(this Exception exception)
    {
        if (exception is CrossheadException) return exception.Message.TrimEnd('.'); // one line as it is
        if (exception is IOException { HResult: InUse }) return "another process is using it";
        // System.Text.Json adds path, line and byte to its message.
        var message = exception is JsonException problem ? JsonProblem.Of(problem)
            : exception is IOException ? exception.Message.Split(" : '", 2)[0] // .NET adds the path
            : exception.Message;
        var what = message.Split(" Path: ", 2)[0].Split(" LineNumber: ", 2)[0].TrimEnd().TrimEnd('.');
        return what.Sentence()
            + (exception is JsonException { LineNumber: > 0 and var line } ? $" (line {line + 1})" : "");
    }

    /// <summary>A sentence of another program: its lines joined, and cut after 200 characters.</summary>
    internal static string Sentence(this string text) => Cut(text.ReplaceLineEndings(" ").Trim(), LongestReason);

    /// <summary>
    /// A whole message: lines joined, and cut in the middle if it is very long, because its end is the remedy.
    /// </summary>
    internal static string OneLine(this string message)
    {
        if (message.Any(char.IsControl))
            message = string.Join(' ',
                message.Split(['\n', '\r'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        return message.Length <= LongestMessage ? message
            : $"{message[..(LongestMessage * 3 / 4)]} … {message[^(LongestMessage / 4)..]}";
    }

    private static string Cut(string text, int length)
    {
        var shown = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            var whole = Rune.TryGetRuneAt(text, i, out var rune);
            if (shown.Length >= length) return shown.Append('…').ToString();
            if (!whole) shown.Append(Escaped(text[i]));
            else if (IsHidden(rune)) shown.Append(string.Concat(rune.ToString().Select(Escaped)));
            else shown.Append(rune);
            if (whole && !rune.IsBmp) i++;
        }
        return shown.ToString();
    }

    private static bool IsHidden(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    private static string Escaped(char c) =>
        c switch { '\n' => "\\n", '\r' => "\\r", '\t' => "\\t", _ => $"\\u{(int)c:x4}" };
}
