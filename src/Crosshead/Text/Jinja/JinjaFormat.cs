using System.Globalization;

namespace Crosshead.Text.Jinja;

/// <summary>Python's <c>"{} is {name:.2f}".format(a, name=b)</c>.</summary>
internal static class JinjaFormat
{
    /// <summary>The text with the values in their places.</summary>
    /// <exception cref="JinjaException">A field is not known, or a value does not fit it.</exception>
    public static string Format(string format, JinjaArguments arguments)
    {
        var result = new JinjaTextBuilder(arguments.Budget);
        var next = 0;
        Write(format, result, arguments, ref next, nested: false);
        return result.ToString();
    }

    private static void Write(ReadOnlySpan<char> format, JinjaTextBuilder result, JinjaArguments arguments,
        ref int next, bool nested)
    {
        for (var at = 0; at < format.Length; at++)
        {
            var c = format[at];
            if (c is not ('{' or '}')) result.Append(c);
            else if (!nested && at + 1 < format.Length && format[at + 1] == c) result.Append(format[at++]);
            else if (c == '}') throw new JinjaException("format has a single '}'; write '}}' for the character");
            else
            {
                var end = End(format, at);
                if (nested) throw new JinjaException("fields of a format nest too deeply");
                Field(format[(at + 1)..end], result, arguments, ref next);
                at = end;
            }
        }
    }

    // Where the field that begins at a place ends.
    private static int End(ReadOnlySpan<char> format, int at)
    {
        var depth = 0;
        for (; at < format.Length; at++)
        {
            if (format[at] == '{') depth++;
            if (format[at] == '}' && --depth == 0) return at;
        }
        throw new JinjaException("format has a '{' without '}'; write '{{' for the character");
    }

    private static void Field(ReadOnlySpan<char> field, JinjaTextBuilder result, JinjaArguments arguments,
        ref int next)
    {
        var colon = field.IndexOf(':');
        var name = colon < 0 ? field : field[..colon];
        var conversion = '\0';
        if (name.LastIndexOf('!') is >= 0 and var mark)
        {
            conversion = name[(mark + 1)..] is [var kind] ? kind : '?';
            name = name[..mark];
        }
        var value = Value(name.ToString(), arguments, ref next);
        value = conversion switch
        {
            '\0' => value,
            's' => JinjaValue.ToText(value, arguments.Budget),
            'r' or 'a' => JinjaRepresentation.Of(value, arguments.Budget),
            _ => throw new JinjaException("a format's conversion is !s, !r or !a"),
        };
        var inner = new JinjaTextBuilder(arguments.Budget);
        if (colon >= 0) Inner(field[(colon + 1)..], inner, arguments, ref next);
        result.Append(JinjaFormatSpecifier.Read(inner.ToString()).Write(value, arguments.Budget));
    }

    // A specifier may have fields of its own.
    private static void Inner(ReadOnlySpan<char> specifier, JinjaTextBuilder result, JinjaArguments arguments,
        ref int next)
    {
        for (var at = 0; at < specifier.Length; at++)
        {
            if (specifier[at] != '{')
            {
                result.Append(specifier[at]);
                continue;
            }
            var end = End(specifier, at);
            result.Append(JinjaValue.ToText(Value(specifier[(at + 1)..end].ToString(), arguments, ref next),
                arguments.Budget));
            at = end;
        }
    }

    // "", "0", "name", "name.attribute", "name[key]"
    private static object? Value(string path, JinjaArguments arguments, ref int next)
    {
        var end = path.IndexOfAny(['.', '[']);
        var first = end < 0 ? path : path[..end];
        if (first.Length == 0) first = $"{next++}";
        object? value;
        if (first.All(char.IsAsciiDigit))
            value = int.TryParse(first, CultureInfo.InvariantCulture, out var place) && place < arguments.Rest.Count
                ? arguments.Rest[place] : throw new JinjaException(
                    $"format has no value {first} ({arguments.Rest.Count} are given)");
        else if (!arguments.Named.TryGetValue(first, out value))
            throw new JinjaException($"format has no value '{first.Shown()}'");
        for (var rest = end < 0 ? "" : path[end..]; rest.Length > 0;)
        {
            var item = rest[0] == '[';
            var length = item ? rest.IndexOf(']') : rest.AsSpan(1).IndexOfAny('.', '[') is >= 0 and var stop ? stop + 1
                : rest.Length;
            if (length < 0) throw new JinjaException("format has a '[' without ']'");
            var key = rest[1..length];
            value = item ? JinjaAccess.Item(value, long.TryParse(key, CultureInfo.InvariantCulture, out var index)
                ? index : key) : JinjaAccess.Attribute(value, key);
            if (value is JinjaUndefined undefined) throw undefined.Error();
            rest = rest[(item ? length + 1 : length)..];
        }
        return value;
    }
}
