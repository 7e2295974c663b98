using System.Globalization;
using System.Runtime.CompilerServices;

namespace Crosshead.Text.Jinja;

/// <summary>Writes values as JSON like Python's json.dumps, which differs slightly from .NET.</summary>
internal static class JinjaJson
{
    /// <summary>
    /// The filter <c>tojson</c> as Transformers defines it: ensure_ascii, indent, separators, sort_keys; nothing is
    /// escaped for HTML.
    /// </summary>
    public static string Write(object? value, JinjaArguments arguments)
    {
        var indent = arguments[1] is null or string ? (string?)arguments[1]
            : new JinjaTextBuilder(arguments.Budget).Append(" ", arguments.Integer(1)).ToString();
        var separators = arguments[2] switch
        {
            null => (indent is null ? ", " : ",", ": "),
            System.Collections.IList { Count: 2 } pair
                when pair[0] is string item && pair[1] is string key => (item, key),
            _ => throw new JinjaException("tojson: separators must be two strings"),
        };
        var writer = new Writer(indent, separators, arguments.IsTrue(0), arguments.IsTrue(3),
            new JinjaTextBuilder(arguments.Budget), arguments.Budget);
        writer.Add(value, 0);
        return writer.Output.ToString();
    }

    private sealed record Writer(string? Indent, (string Item, string Key) Separators, bool Ascii, bool Sorted,
        JinjaTextBuilder Output, JinjaBudget Budget)
    {
        public void Add(object? value, int depth)
        {
            RuntimeHelpers.EnsureSufficientExecutionStack();
            switch (value)
            {
                case null: Output.Append("null"); break;
                case bool flag: Output.Append(flag ? "true" : "false"); break;
                case long number: Output.Append(number.ToString(CultureInfo.InvariantCulture)); break;
                case double number:
                    Output.Append(double.IsFinite(number) ? JinjaNumber.Written(number) : double.IsNaN(number) ? "NaN"
                        : number > 0 ? "Infinity" : "-Infinity");
                    break;
                case string text: AddText(text); break;
                case JinjaDictionary dictionary:
                    var keys = Sorted ? JinjaSequenceFilters.Sorted(dictionary.Keys, key => key, false, Budget)
                        : dictionary.Keys.AsEnumerable<object?>();
                    AddAll('{', '}', depth, [.. keys.Select(key => (Action)(() =>
                    {
                        AddText(KeyText(key!));
                        Output.Append(Separators.Key);
                        Add(dictionary[key!], depth + 1);
                    }))]);
                    break;
                case List<object?> or object?[]:
                    AddAll('[', ']', depth,
                        [.. ((IReadOnlyList<object?>)value).Select(item => (Action)(() => Add(item, depth + 1)))]);
                    break;
                default:
                    throw (value as JinjaUndefined)?.Error()
                        ?? new JinjaException($"tojson: {JinjaValue.TypeName(value)} is not JSON");
            }
        }

        private static string KeyText(object key) => key switch
        {
            string text => text,
            bool flag => flag ? "true" : "false",
            long number => number.ToString(CultureInfo.InvariantCulture),
            double number => JinjaNumber.Written(number),
            _ => throw new JinjaException($"tojson: a key of a dict cannot be a {JinjaValue.TypeName(key)}"),
        };

        private void AddAll(char open, char close, int depth, IReadOnlyList<Action> items)
        {
            Output.Append(open);
            for (var i = 0; i < items.Count; i++)
            {
                if (i > 0) Output.Append(Separators.Item);
                NewLine(depth + 1);
                items[i]();
            }
            if (items.Count > 0) NewLine(depth);
            Output.Append(close);
        }

        private void NewLine(int depth)
        {
            if (Indent is null) return;
            Output.Append('\n');
            for (var i = 0; i < depth; i++) Output.Append(Indent);
        }

        private void AddText(string text)
        {
            Output.Append('"');
            foreach (var c in text)
                Output.Append(c switch
                {
                    '"' => "\\\"",
                    '\\' => "\\\\",
                    '\n' => "\\n",
                    '\r' => "\\r",
                    '\t' => "\\t",
                    '\b' => "\\b",
                    '\f' => "\\f",
                    < ' ' => $"\\u{(int)c:x4}",
                    > '~' when Ascii => $"\\u{(int)c:x4}",
                    _ => [c],
                });
            Output.Append('"');
        }
    }
}
