using System.Globalization;
using System.Text;

namespace Crosshead.Text.Tokenizers.Expressions;

/// <summary>
/// Translates regular expressions of tokenizer.json, which are Oniguruma's, for .NET. It knows what tokenizers use and
/// what both engines can be made to read alike; anything else is refused. An expression with a repetition inside a
/// repetition is refused too, because it could take time without end.
/// </summary>
internal sealed class OnigurumaExpression
{
    private static readonly HashSet<string> s_categories =
    [
        "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe",
        "Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp",
    ];

    private readonly string _source;
    private readonly StringBuilder _result = new();
    private int _at;
    private bool _repeats; // whether what was read since the group began has a repetition

    private OnigurumaExpression(string source) => _source = source;

    private bool Ended => _at == _source.Length;

    private char Next => _source[_at];

    /// <summary>The expression of a text as it stands.</summary>
    public static string Escape(string text)
    {
        var result = new StringBuilder();
        foreach (var c in text) result.Append(@"\.+*?()|[]{}^$".Contains(c) ? $"\\{c}" : $"{c}");
        return result.ToString();
    }

    /// <summary>The first part of an expression that is not supported; null if all of it is.</summary>
    public static string? Unsupported(string expression)
    {
        try
        {
            Translate(expression);
            return null;
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    /// <summary>The same expression for .NET.</summary>
    /// <exception cref="FormatException">A part, which is the message, is not supported.</exception>
    public static string Translate(string expression)
    {
        var reader = new OnigurumaExpression(expression);
        reader.Alternatives(folds: false);
        return reader.Ended ? reader._result.ToString() : throw reader.Refusal(reader._at);
    }

    private void Alternatives(bool folds)
    {
        while (!Ended && Next != ')')
        {
            if (Next == '|')
            {
                _at++;
                _result.Append('|');
                continue;
            }
            var (begin, atom, outside) = (_at, _result.Length, _repeats);
            _repeats = false;
            Atom(folds);
            Quantifier(begin, atom);
            _repeats |= outside;
        }
    }

    private void Atom(bool folds)
    {
        switch (Next)
        {
            case '(': Group(folds); break;
            case '[': Class(folds); break;
            case '.': _at++; _result.Append("[^\\n]"); break;
            case '\\' when Category() is { } category: _result.Append(category); break;
            case '^': _at++; _result.Append(@"(?:\A|(?<=\n)(?!\z))"); break; // lines end with \n
            case '$': _at++; _result.Append(@"(?=\n|\z)"); break;
            case '*' or '+' or '?' or '{' or ']' or '}': throw Refusal(_at);
            default:
                var begin = _at;
                var c = Character();
                RequireUnambiguous(c, c, begin);
                _result.Append(folds && char.IsAsciiLetter(c) ? $"[{Folded(c)}]" : Written(c));
                break;
        }
    }

    private void Group(bool folds)
    {
        var begin = _at;
        string[] kinds = ["(?:", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>"];
        var kind = kinds.FirstOrDefault(k => string.CompareOrdinal(_source, _at, k, 0, k.Length) == 0)
            ?? (_at + 1 < _source.Length && _source[_at + 1] == '?' ? throw Refusal(_at) : "(");
        _at += kind.Length;
        _result.Append(kind is "(" or "(?i:" ? "(?:" : kind);
        Alternatives(folds || kind == "(?i:");
        if (Ended) throw Refusal(begin);
        _at++;
        _result.Append(')');
    }

    // ?, *, +, {n}, {n,} and {n,m}; the first three also lazy or possessive.
    private void Quantifier(int begin, int atom)
    {
        if (Ended || Next is not ('?' or '*' or '+' or '{')) return;
        var sign = Next.ToString();
        if (sign == "{")
        {
            var end = _source.IndexOf('}', _at);
            var counts = end < 0 ? [] : _source[(_at + 1)..end].Split(',');
            if (counts.Length is not (1 or 2) || !IsCount(counts[0]) || (counts[^1].Length > 0 && !IsCount(counts[^1])))
                throw Refusal(_at);
            sign = _source[_at..(end + 1)];
        }
        _at += sign.Length;
        if (sign != "?" && _repeats) throw new FormatException(_source[begin.._at]);
        _result.Append(sign);
        var suffix = Ended ? ' ' : Next;
        if (suffix is '?' or '+' && sign[0] != '{')
        {
            _at++;
            if (suffix == '?') _result.Append('?');
            else _result.Insert(atom, "(?>").Append(')');
        }
        if (!Ended && Next is '?' or '*' or '+' or '{') throw Refusal(begin);
        _repeats = true;
    }

    private static bool IsCount(string text) => text.Length is > 0 and < 4 && text.All(char.IsAsciiDigit);

    private void Class(bool folds)
    {
        var begin = _at++;
        var negated = !Ended && Next == '^';
        if (negated) _at++;
        _result.Append(negated ? "[^" : "[");
        var first = true;
        for (; Ended || Next != ']'; first = false)
        {
            if (Ended || Next == '[' || string.CompareOrdinal(_source, _at, "&&", 0, 2) == 0) throw Refusal(begin);
            if (Next == '\\' && Category() is { } category)
            {
                _result.Append(category);
                continue;
            }
            var low = Character();
            var high = low;
            if (_at + 1 < _source.Length && Next == '-' && _source[_at + 1] != ']')
            {
                _at++;
                if (Next == '[' || folds) throw Refusal(begin);
                high = Character();
                if (high < low) throw Refusal(begin);
            }
            RequireUnambiguous(low, high, begin);
            _result.Append(low != high ? $"{Written(low)}-{Written(high)}"
                : folds && char.IsAsciiLetter(low) ? Folded(low) : Written(low));
        }
        if (first) throw Refusal(begin);
        _at++;
        _result.Append(']');
    }

    // \s, \S, \d, \D, \p{…}, \P{…}; null if the escape is a character.
    private string? Category()
    {
        var kind = _at + 1 < _source.Length ? _source[_at + 1] : throw Refusal(_at);
        if (kind is 's' or 'S' or 'd' or 'D')
        {
            _at += 2;
            return kind switch { 'd' => @"\p{Nd}", 'D' => @"\P{Nd}", _ => $"\\{kind}" };
        }
        if (kind is not ('p' or 'P')) return null;
        var end = _source.IndexOf('}', _at);
        if (end < 0 || _source[_at + 2] != '{') throw Refusal(_at);
        var name = _source[(_at + 3)..end];
        var negated = name.StartsWith('^');
        if (!s_categories.Contains(negated ? name[1..] : name)) throw new FormatException(_source[_at..(end + 1)]);
        _at = end + 1;
        return $"\\{(negated != (kind == 'P') ? 'P' : 'p')}{{{(negated ? name[1..] : name)}}}";
    }

    private char Character()
    {
        var begin = _at;
        var c = _source[_at++];
        if (char.IsSurrogate(c)) throw Refusal(begin);
        if (c != '\\') return c;
        if (Ended) throw Refusal(begin);
        switch (c = _source[_at++])
        {
            case 'n': return '\n';
            case 'r': return '\r';
            case 't': return '\t';
            case 'f': return '\f';
            case 'v': return '\v';
            case 'u' when _at + 4 <= _source.Length && ushort.TryParse(_source.AsSpan(_at, 4), NumberStyles.HexNumber,
                CultureInfo.InvariantCulture, out var code) && !char.IsSurrogate((char)code):
                _at += 4;
                return (char)code;
            case var sign when !char.IsAsciiLetterOrDigit(sign) && sign < 128: return sign;
            default: throw Refusal(begin);
        }
    }

    private void RequireUnambiguous(char low, char high, int begin)
    {
        if (RegexText.Stands(low, high)) throw Refusal(begin);
    }

    private static string Written(char c) => $"\\u{(int)c:X4}";

    // A letter in both cases, and the further characters that Unicode folds to it.
    private static string Folded(char c) => char.ToLowerInvariant(c) switch
    {
        's' => @"sS\u017F",
        'k' => @"kK\u212A",
        var small => $"{small}{char.ToUpperInvariant(small)}",
    };

    private FormatException Refusal(int at) => new(_source[at..Math.Min(_source.Length, at + 20)]);
}
