using System.Text.RegularExpressions;

namespace Crosshead.Evaluation.Answers;

/// <summary>
/// A number as the final answer of a text, found like lm-evaluation-harness's "flexible-extract" of GSM8K: the last
/// match of its expression, without <c>$</c>, thousands separators and a full stop at the end.
/// </summary>
public static partial class NumberAnswer
{
    /// <summary>The last number of <paramref name="text"/>, normalised; null without one.</summary>
    public static string? Last(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        // The expression has no way to see a match earlier by starting later, so the last one needs all of them.
        Match? last = null;
        foreach (Match match in Number().Matches(text)) last = match;
        return last is null ? null : Normalise(last.Value);
    }

    /// <summary>
    /// Whether two numbers have the same value: <c>1,000</c>, <c>1000</c> and <c>$1000.0</c> do. Digits are compared
    /// exactly, however many there are. A text that is not a number equals only the same text.
    /// </summary>
    public static bool AreEqual(string expected, string given)
    {
        ArgumentNullException.ThrowIfNull(expected);
        ArgumentNullException.ThrowIfNull(given);
        var (first, second) = (Normalise(expected), Normalise(given));
        return Canonical(first) is { } a && Canonical(second) is { } b ? a == b : first == second;
    }

    private static string Normalise(string number)
    {
        var text = number.Replace(",", "", StringComparison.Ordinal).Replace("$", "", StringComparison.Ordinal).Trim();
        return text.EndsWith('.') ? text[..^1] : text;
    }

    // Sign, digits without leading zeros, decimals without trailing ones: one text for one value.
    private static string? Canonical(string number)
    {
        if (!Decimal().IsMatch(number)) return null;
        var negative = number[0] == '-';
        var parts = number.TrimStart('-', '+').Split('.');
        var whole = parts[0].TrimStart('0');
        var decimals = parts.Length == 2 ? parts[1].TrimEnd('0') : "";
        return (negative && whole.Length + decimals.Length > 0 ? "-" : "") + (whole.Length == 0 ? "0" : whole)
            + (decimals.Length == 0 ? "" : "." + decimals);
    }

    [GeneratedRegex(@"-?[$0-9.,]{2,}|-?[0-9]+", RegexOptions.CultureInvariant)]
    private static partial Regex Number();

    [GeneratedRegex(@"^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)\z", RegexOptions.CultureInvariant)]
    private static partial Regex Decimal();
}
