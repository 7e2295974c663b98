using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace Crosshead.Text.Tokenizers.Expressions;

/// <summary>Finds the matches of tokenizer.json's regular expressions.</summary>
internal static class ExpressionMatches
{
    private static readonly ConcurrentDictionary<string, Regex> s_compiled = new();

    /// <summary>Where an expression matches a text, without empty matches.</summary>
    /// <param name="expression">The expression in Oniguruma's syntax, of which all is supported.</param>
    /// <param name="text">The text.</param>
    public static List<(int Start, int End)> Of(string expression, ReadOnlySpan<char> text)
    {
        var regex = s_compiled.GetOrAdd(expression, static source => new Regex(OnigurumaExpression.Translate(source),
            RegexOptions.CultureInvariant | RegexOptions.Compiled));
        var matches = new List<(int, int)>();
        var units = RegexText.Of(text).Span; // empty if the text has one unit per character
        var (unit, index) = (0, 0);          // the same place in the units and in the text
        foreach (var match in regex.EnumerateMatches(units.IsEmpty ? text : units))
        {
            if (match.Length == 0) continue;
            var start = PlaceOf(text, match.Index, units.IsEmpty, ref unit, ref index);
            matches.Add((start, PlaceOf(text, match.Index + match.Length, units.IsEmpty, ref unit, ref index)));
        }
        return matches;
    }

    private static int PlaceOf(ReadOnlySpan<char> text, int wanted, bool same, ref int unit, ref int index)
    {
        if (same) return wanted;
        for (; unit < wanted; unit++)
            index += index + 1 < text.Length && char.IsSurrogatePair(text[index], text[index + 1]) ? 2 : 1;
        return index;
    }
}
