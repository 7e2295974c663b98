using System.Globalization;
using System.Text;
using static Crosshead.Text.Grammars.GrammarBuilder;

namespace Crosshead.Text.Grammars;

/// <summary>
/// Reads regular expressions: characters, <c>.</c>, classes such as <c>[^a-z\d]</c>, <c>\d \w \s</c> and their
/// opposites, escapes, groups, alternatives and the quantifiers <c>* + ? {m} {m,} {m,n}</c>. <c>^</c> may begin and
/// <c>$</c> may end an alternative of the whole expression. Classes are ASCII's, and <c>.</c> is no line break.
/// </summary>
/// <param name="pattern">The expression.</param>
/// <param name="name">What messages call it.</param>
/// <param name="builder">The builder of the parts.</param>
/// <param name="character">How a character is written in the text.</param>
/// <param name="everywhere">
/// Whether text before and after the match is allowed where no anchor forbids it; if not, the whole text must match.
/// </param>
internal sealed class RegexParser(string pattern, string name, GrammarBuilder builder,
    Func<CharacterSet, GrammarPart> character, bool everywhere)
{
    private static readonly CharacterSet s_digits = CharacterSet.Of(('0', '9'));
    private static readonly CharacterSet s_words = CharacterSet.Of(('0', '9'), ('A', 'Z'), ('a', 'z'), ('_', '_'));
    private static readonly CharacterSet s_blanks = CharacterSet.Of(" \t\n\r\f\v");
    private static readonly CharacterSet s_dot = CharacterSet.Of("\n\r").Not();

    private int _at;
    private int _depth;

    /// <summary>Reads the whole expression.</summary>
    /// <exception cref="CrossheadException">It is not such an expression.</exception>
    public GrammarPart Parse()
    {
        if (Encoding.UTF8.GetByteCount(pattern) > GrammarLimits.SourceBytes)
            throw new CrossheadException($"{name} is longer than {GrammarLimits.SourceBytes / 1024} KiB; use a shorter "
                + "one.");
        var around = everywhere ? builder.Star(character(CharacterSet.All)) : null;
        var ways = new List<GrammarPart>();
        do
        {
            var parts = new List<GrammarPart>();
            if (!Take('^') && around is not null) parts.Add(around);
            parts.Add(Terms());
            if (!Take('$') && around is not null) parts.Add(around);
            ways.Add(Sequence([.. parts]));
        } while (Take('|'));
        return _at == pattern.Length ? builder.Any(ways)
            : throw Error($"has a \"{pattern[_at]}\" without its beginning, or an anchor in its middle");
    }

    private GrammarPart Alternatives()
    {
        var ways = new List<GrammarPart>();
        do ways.Add(Terms());
        while (Take('|'));
        return builder.Any(ways);
    }

    private GrammarPart Terms()
    {
        var parts = new List<GrammarPart> { builder.Nothing };
        while (_at < pattern.Length && pattern[_at] is not ('|' or ')' or '$' or '^')) parts.Add(Quantified(Atom()));
        return Sequence([.. parts]);
    }

    private GrammarPart Quantified(GrammarPart atom)
    {
        if (_at == pattern.Length) return atom;
        switch (pattern[_at])
        {
            case '*': _at++; atom = builder.Star(atom); break;
            case '+': _at++; atom = builder.Repeat(atom, 1, null); break;
            case '?': _at++; atom = builder.Optional(atom); break;
            case '{' when Counts() is { } counts: atom = builder.Repeat(atom, counts.Min, counts.Max); break;
            default: return atom;
        }
        Take('?'); // finds the same texts, only in another order
        if (_at < pattern.Length && pattern[_at] is '*' or '+' or '?')
            throw Error($"has a quantifier after a quantifier (\"{pattern[_at]}\")");
        return atom;
    }

    // {m}, {m,} or {m,n}; null if the brace is only a character.
    private (int Min, int? Max)? Counts()
    {
        var end = pattern.IndexOf('}', _at);
        var parts = end < 0 ? [] : pattern[(_at + 1)..end].Split(',');
        if (parts.Length is 0 or > 2 || !parts.All(part => part.All(char.IsAsciiDigit)) || parts[0].Length == 0)
            return null;
        int Count(string digits) => int.TryParse(digits, CultureInfo.InvariantCulture, out var count)
            && count <= GrammarLimits.States ? count
            : throw Error($"repeats more than {GrammarLimits.States:N0} times");
        var min = Count(parts[0]);
        int? max = parts.Length == 1 ? min : parts[1].Length == 0 ? null : Count(parts[1]);
        if (max < min) throw Error($"has a quantifier {{{min},{max}}} whose numbers are in the wrong order");
        _at = end + 1;
        return (min, max);
    }

    private GrammarPart Atom()
    {
        switch (pattern[_at])
        {
            case '(':
                _at++;
                if (Take('?') && !Take(':')) throw Error("has a group \"(?…\" of a kind that is not supported");
                if (++_depth > GrammarLimits.SourceDepth)
                    throw Error($"nests more than {GrammarLimits.SourceDepth} groups");
                var group = Alternatives();
                _depth--;
                if (!Take(')'))
                    throw Error(_at < pattern.Length ? "has an anchor in its middle" : "has a \"(\" without \")\"");
                return group;
            case '*' or '+' or '?': throw Error($"has a \"{pattern[_at]}\" that repeats nothing");
            case '.': _at++; return character(s_dot);
            case '[': _at++; return character(Class());
            default: return character(One());
        }
    }

    private CharacterSet Class()
    {
        var not = Take('^');
        var ranges = new List<(int Low, int High)>();
        for (var first = true; first || !Take(']'); first = false)
        {
            if (_at == pattern.Length) throw Error("has a \"[\" without \"]\"");
            var low = One();
            if (_at + 1 < pattern.Length && pattern[_at] == '-' && pattern[_at + 1] != ']'
                && low.Ranges is [var from] && from.Low == from.High)
            {
                _at++;
                if (One().Ranges is not [var to] || to.Low != to.High || to.Low < from.Low)
                    throw Error("has a class with a range that ends before it begins");
                low = CharacterSet.Of((from.Low, to.Low));
            }
            ranges.AddRange(low.Ranges);
        }
        var set = CharacterSet.Of(ranges);
        set = not ? set.Not() : set;
        return set.IsEmpty ? throw Error("has a class without characters") : set;
    }

    // A character, or an escape that stands for some.
    private CharacterSet One()
    {
        var rune = Rune.TryGetRuneAt(pattern, _at, out var found) ? found
            : throw Error("has half of a surrogate pair");
        _at += rune.Utf16SequenceLength;
        if (rune.Value != '\\') return CharacterSet.Of((rune.Value, rune.Value));
        if (_at == pattern.Length) throw Error("ends with \"\\\"");
        var escape = pattern[_at++];
        return escape switch
        {
            'd' => s_digits,
            'D' => s_digits.Not(),
            'w' => s_words,
            'W' => s_words.Not(),
            's' => s_blanks,
            'S' => s_blanks.Not(),
            'n' => CharacterSet.Of("\n"),
            'r' => CharacterSet.Of("\r"),
            't' => CharacterSet.Of("\t"),
            'f' => CharacterSet.Of("\f"),
            'v' => CharacterSet.Of("\v"),
            'x' => Hexadecimal(2),
            'u' => Hexadecimal(4),
            _ when char.IsAsciiLetterOrDigit(escape) => throw Error($"has the escape \"\\{escape}\", which is not "
                + "supported"),
            _ when char.IsSurrogate(escape) => throw Error("escapes a character that needs no escape"),
            _ => CharacterSet.Of((escape, escape)),
        };
    }

    private CharacterSet Hexadecimal(int digits)
    {
        var end = _at + digits;
        if (end > pattern.Length || !int.TryParse(pattern.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier,
            CultureInfo.InvariantCulture, out var value) || value is >= 0xD800 and <= 0xDFFF)
            throw Error($"has an escape that needs {digits} hexadecimal digits of a character");
        _at = end;
        return CharacterSet.Of((value, value));
    }

    private bool Take(char c)
    {
        if (_at == pattern.Length || pattern[_at] != c) return false;
        _at++;
        return true;
    }

    private CrossheadException Error(string problem) =>
        new($"{name} {problem}, at character {_at + 1} of \"{pattern.Shown()}\"; correct it.");
}
