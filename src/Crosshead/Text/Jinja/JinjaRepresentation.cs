using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Crosshead.Text.Jinja;

/// <summary>Values as Python prints them within others: its repr().</summary>
internal static class JinjaRepresentation
{
    /// <summary>The text of a value as it is printed.</summary>
    public static string Of(object? value, JinjaBudget budget)
    {
        var output = new JinjaTextBuilder(budget);
        Write(value, output);
        return output.ToString();
    }

    /// <summary>Adds a value as it is printed.</summary>
    public static void Write(object? value, JinjaTextBuilder output)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (value)
        {
            case null: output.Append("None"); break;
            case bool flag: output.Append(flag ? "True" : "False"); break;
            case long number: output.Append(number.ToString(CultureInfo.InvariantCulture)); break;
            case double number: output.Append(JinjaNumber.Written(number)); break;
            case string text: Quote(text, output); break;
            case JinjaUndefined: output.Append("Undefined"); break;
            case JinjaRange range: output.Append(range.ToString()); break;
            case JinjaLoop loop: output.Append(loop.ToString()); break;
            case object?[] tuple: List("(", tuple, tuple.Length == 1 ? ",)" : ")", output); break;
            case List<object?> list: List("[", list, "]", output); break;
            case JinjaDictionaryView view: List($"{view.Name}([", view, "])", output); break;
            case JinjaDictionary dictionary: Dictionary(dictionary, output); break;
            case JinjaNamespace space: // as Python shows an object, around its dictionary
                output.Append("<Namespace ");
                Dictionary(new JinjaDictionary(space.Attributes), output);
                output.Append('>');
                break;
            default:
                throw new JinjaException($"a {JinjaValue.TypeName(value)} cannot be put "
                    + $"out{(value is JinjaGenerator ? "; make a list of it with |list" : "")}");
        }
    }

    private static void List(string open, IEnumerable<object?> items, string close, JinjaTextBuilder output)
    {
        output.Append(open);
        var first = true;
        foreach (var item in items)
        {
            if (!first) output.Append(", ");
            first = false;
            Write(item, output);
        }
        output.Append(close);
    }

    private static void Dictionary(JinjaDictionary dictionary, JinjaTextBuilder output)
    {
        output.Append('{');
        var first = true;
        foreach (var (key, value) in dictionary)
        {
            if (!first) output.Append(", ");
            first = false;
            Write(key, output);
            output.Append(": ");
            Write(value, output);
        }
        output.Append('}');
    }

    private static void Quote(string text, JinjaTextBuilder output)
    {
        var quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        output.Append(quote);
        for (var at = 0; at < text.Length; at += JinjaText.LengthAt(text, at))
        {
            var character = text.AsSpan(at, JinjaText.LengthAt(text, at));
            switch (character[0])
            {
                case '\n': output.Append("\\n"); break;
                case '\r': output.Append("\\r"); break;
                case '\t': output.Append("\\t"); break;
                case '\\': output.Append("\\\\"); break;
                case var c when c == quote: output.Append(['\\', c]); break;
                case >= ' ' and <= '~': output.Append(character); break;
                default:
                    output.Append(IsPrintable(character, out var code) ? character : code < 0x100 ? $"\\x{code:x2}"
                        : code < 0x10000 ? $"\\u{code:x4}" : $"\\U{code:x8}");
                    break;
            }
        }
        output.Append(quote);
    }

    private static bool IsPrintable(ReadOnlySpan<char> character, out int code)
    {
        code = Rune.DecodeFromUtf16(character, out var rune, out _) == System.Buffers.OperationStatus.Done
            ? rune.Value : character[0];
        return CharUnicodeInfo.GetUnicodeCategory(code) is not (
            UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
            or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.SpaceSeparator);
    }
}
