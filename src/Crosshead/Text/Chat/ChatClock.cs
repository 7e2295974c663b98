using System.Globalization;
using System.Text;
using Crosshead.Text.Jinja;

namespace Crosshead.Text.Chat;

/// <summary>The date and time that templates request with <c>strftime_now</c>.</summary>
internal static class ChatClock
{
    /// <summary>A moment in the format of C's strftime, in English.</summary>
    public static string Format(DateTimeOffset now, string format)
    {
        var result = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                result.Append(format[i]);
                continue;
            }
            // %-d is %d without its leading zero.
            var bare = format[++i] == '-' && i + 1 < format.Length;
            var part = Part(now, bare ? format[++i] : format[i]);
            result.Append(bare && part.Length > 1 ? part.TrimStart('0') is { Length: > 0 } trimmed
                ? trimmed : "0" : part);
        }
        return result.ToString();
    }

    private static string Part(DateTimeOffset now, char letter) => letter switch
    {
        'Y' => Text(now, "yyyy"),
        'y' => Text(now, "yy"),
        'm' => Text(now, "MM"),
        'B' => Text(now, "MMMM"),
        'b' or 'h' => Text(now, "MMM"),
        'd' => Text(now, "dd"),
        'e' => now.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'A' => Text(now, "dddd"),
        'a' => Text(now, "ddd"),
        'j' => now.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
        'w' => ((int)now.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        'H' => Text(now, "HH"),
        'I' => Text(now, "hh"),
        'M' => Text(now, "mm"),
        'S' => Text(now, "ss"),
        'p' => Text(now, "tt"),
        'F' => Text(now, "yyyy-MM-dd"),
        'T' => Text(now, "HH:mm:ss"),
        'D' => Text(now, "MM/dd/yy"),
        'Z' or 'z' => "",
        'n' => "\n",
        't' => "\t",
        '%' => "%",
        _ => throw new JinjaException($"strftime_now: the format %{letter} is not known"),
    };

    private static string Text(DateTimeOffset now, string format) => now.ToString(format, CultureInfo.InvariantCulture);
}
