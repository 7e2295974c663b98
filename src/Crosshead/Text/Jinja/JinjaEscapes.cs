using System.Globalization;
using System.Text;

namespace Crosshead.Text.Jinja;

/// <summary>
/// The escapes in a template's strings, as in Python: <c>\n</c>, <c>\x41</c>, <c>\u00e9</c>, <c>\101</c>.
/// </summary>
internal static class JinjaEscapes
{
    /// <summary>A string with its escapes replaced. A backslash that begins no escape stays.</summary>
    public static string Read(string text, int line)
    {
        if (!text.Contains('\\')) return text;
        var result = new StringBuilder(text.Length);
        for (var at = 0; at < text.Length;)
        {
            if (text[at] != '\\' || at + 1 == text.Length)
            {
                result.Append(text[at++]);
                continue;
            }
            var escape = text[at + 1];
            var octal = text.AsSpan(at + 1, Math.Min(3, text.Length - at - 1));
            if (octal.IndexOfAnyExceptInRange('0', '7') is >= 0 and var end) octal = octal[..end];
            if (octal.Length > 0)
            {
                result.Append(
                    JinjaText.Character(octal.ToArray().Aggregate(0, (code, digit) => code * 8 + digit - '0')));
                at += 1 + octal.Length;
            }
            else if (escape is 'x' or 'u' or 'U')
            {
                var digits = escape switch { 'x' => 2, 'u' => 4, _ => 8 };
                result.Append(JinjaText.Character(Code(text, at, digits, line)));
                at += 2 + digits;
            }
            else
            {
                result.Append(escape switch
                {
                    'n' => "\n",
                    't' => "\t",
                    'r' => "\r",
                    '\\' => "\\",
                    '\'' => "'",
                    '"' => "\"",
                    '\n' => "",
                    'b' => "\b",
                    'f' => "\f",
                    'v' => "\v",
                    'a' => "\a",
                    'N' => throw new JinjaException("the escape \\N{…} is not supported; use \\u", line),
                    _ => "\\" + escape,
                });
                at += 2;
            }
        }
        return result.ToString();
    }

    private static int Code(string text, int at, int digits, int line) =>
        at + 2 + digits <= text.Length && int.TryParse(text.AsSpan(at + 2, digits), NumberStyles.AllowHexSpecifier,
            CultureInfo.InvariantCulture, out var code) && code is >= 0 and <= 0x10FFFF
            ? code : throw new JinjaException(
                $"the escape \\{text[at + 1]} needs {digits} hexadecimal digits of a character", line);
}
