using System.Text;
using System.Text.RegularExpressions;

namespace Crosshead.Evaluation.Answers;

/// <summary>
/// Cuts an answer into tokens of one normal form: layout, dollar signs and type faces are gone, Unicode's signs are
/// LaTeX's, <c>1,000</c> and <c>1{,}000</c> are one number, words are words. It never fails: unknown text is a symbol.
/// </summary>
internal sealed partial class MathTokenizer
{
    private readonly string _text;
    private readonly List<MathToken> _tokens = [];
    private int _at;
    private int _brackets;

    private MathTokenizer(string text) => _text = text;

    /// <summary>The tokens of <paramref name="text"/>, without full stops and commas at its end.</summary>
    public static List<MathToken> Read(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (var c in text)
            if (c == '$' && plain.Length > 0 && plain[^1] == '\\') plain.Length--;
            else if (MathNotation.Characters.TryGetValue(c, out var latex)) plain.Append(latex);
            else plain.Append(c);
        var tokens = new MathTokenizer(plain.ToString()).Read();
        while (tokens.Count > 0 && tokens[^1] is { Kind: MathTokenKind.Symbol, Text: "." or "," or ";" or ":" })
            tokens.RemoveAt(tokens.Count - 1);
        return tokens;
    }

    private List<MathToken> Read()
    {
        while (_at < _text.Length)
        {
            var c = _text[_at];
            if (char.IsWhiteSpace(c)) _at++;
            else if (Take(Degree()) is not null) Add(MathTokenKind.Symbol, "°");
            else if (c == '\\') Command();
            else if (Take(_brackets > 0 ? GroupedInBrackets() : Grouped()) is { } grouped)
                Add(MathTokenKind.Number, Separators().Replace(grouped, ""));
            else if ((Take(Scientific()) ?? Take(Number())) is { } number) Add(MathTokenKind.Number, number);
            else if (char.IsAsciiLetter(c)) Letters(spaced: _at > 0 && char.IsWhiteSpace(_text[_at - 1]), Take(Run())!);
            else
            {
                _brackets += c is '(' or '[' ? 1 : c is ')' or ']' ? -1 : 0;
                Add(MathTokenKind.Symbol, c.ToString());
                _at++;
            }
        }
        return _tokens;
    }

    private void Command()
    {
        var name = Take(CommandName()) ?? _text[_at..(_at = Math.Min(_at + 2, _text.Length))];
        name = name[1..];
        if (name is "left" or "right" && _at < _text.Length && _text[_at] == '.') _at++;
        if (MathNotation.Silent.Contains(name)) return;
        if (MathNotation.Words.Contains(name) || MathNotation.Styles.Contains(name))
        {
            if (Argument() is { } content) Styled(name, content);
            return;
        }
        _brackets += name is "{" or "lbrace" ? 1 : name is "}" or "rbrace" ? -1 : 0;
        var text = MathNotation.Synonyms.GetValueOrDefault(name, @"\" + name);
        Add(text.Length == 1 ? MathTokenKind.Symbol : MathTokenKind.Command, text);
    }

    // \text{…} with words is words; \mathbf{x + 1} is mathematics; \mathrm{m} after a number is a unit.
    private void Styled(string name, string content)
    {
        var words = content.Trim();
        var unit = name == "mathrm" && _tokens is [.., { Kind: MathTokenKind.Number }] && Units.IsKnown(words);
        if (name == "mathbb") Add(MathTokenKind.Command, @"\mathbb{" + words + "}");
        else if (words.Trim(',', ' ') is "and" or "or" or "") Add(MathTokenKind.Symbol, ",");
        else if (MathNotation.Functions.Contains(words)) Add(MathTokenKind.Command, @"\" + words);
        else if (unit || (MathNotation.Words.Contains(name) ? words.Any(char.IsLetter) : Word().IsMatch(words)))
            AddWords(Silence().Replace(words, " ").Trim());
        else _tokens.AddRange(Read(words));
    }

    private void Letters(bool spaced, string run)
    {
        var afterNumber = _tokens is [.., { Kind: MathTokenKind.Number }];
        var afterWords = _tokens is [.., { Kind: MathTokenKind.Text }] && run.Length > 1;
        if (run is "and" or "or") Add(MathTokenKind.Symbol, ",");
        else if (MathNotation.Functions.Contains(run)) Add(MathTokenKind.Command, @"\" + run);
        else if (MathNotation.PlainNames.TryGetValue(run, out var command)) Add(MathTokenKind.Command, command);
        else if (afterWords || (afterNumber && ((run.Length > 1 && Units.IsKnown(run))
            || (spaced && run.Length > 3 && run.All(char.IsAsciiLetterLower)))))
            AddWords(run);
        else foreach (var letter in run) Add(MathTokenKind.Letter, letter.ToString());
    }

    private void AddWords(string words)
    {
        if (_tokens is [.., { Kind: MathTokenKind.Text } last])
            _tokens[^1] = last with { Text = last.Text + " " + words };
        else
            Add(MathTokenKind.Text, words);
    }

    // What stands in the braces here, or null without (closed) braces.
    private string? Argument()
    {
        var open = _at;
        while (open < _text.Length && _text[open] == ' ') open++;
        if (open == _text.Length || _text[open] != '{') return null;
        for (int i = open, depth = 0; i < _text.Length; i++)
        {
            if (_text[i] == '\\') i++;
            else if (_text[i] == '{') depth++;
            else if (_text[i] == '}' && --depth == 0)
            {
                _at = i + 1;
                return _text[(open + 1)..i];
            }
        }
        return null;
    }

    private void Add(MathTokenKind kind, string text) => _tokens.Add(new MathToken(kind, text));

    private string? Take(Regex pattern)
    {
        var match = pattern.Match(_text, _at);
        if (!match.Success) return null;
        _at += match.Length;
        return match.Value;
    }

    [GeneratedRegex(@"\G\\[A-Za-z]+")]
    private static partial Regex CommandName();

    [GeneratedRegex(@"\G[A-Za-z]+")]
    private static partial Regex Run();

    [GeneratedRegex(@"[A-Za-z]{2}")]
    private static partial Regex Word();

    [GeneratedRegex(@"\G\^\s*(\{\s*\\(circ|degree)\s*\}|\\(circ|degree)(?![A-Za-z]))")]
    private static partial Regex Degree();

    [GeneratedRegex(@"\G([0-9]+(\.[0-9]+|\.(?=\s*\\overline))?|\.[0-9]+)")]
    private static partial Regex Number();

    // 2e-3 may be twice Euler's number less 3; 2.0e-3 may not.
    [GeneratedRegex(@"\G([0-9]+\.[0-9]+[eE][-+]?|[0-9]+[eE])[0-9]+(?![0-9A-Za-z.])")]
    private static partial Regex Scientific();

    // Thousands: 1{,}000, 1,\!000 and 1\,000 anywhere; 1,000 outside brackets, where no further item follows.
    [GeneratedRegex(@"\G[0-9]{1,3}((\{,\}|,\s*\\!|\\[,!;:])\s*[0-9]{3}(?![0-9]))+(\.[0-9]+)?")]
    private static partial Regex GroupedInBrackets();

    [GeneratedRegex(@"\G[0-9]{1,3}((\{,\}|,\s*\\!|\\[,!;:]|,(?=[0-9]))\s*[0-9]{3}(?![0-9]))+(?!,[0-9])(\.[0-9]+)?")]
    private static partial Regex Grouped();

    [GeneratedRegex(@"[^0-9.]")]
    private static partial Regex Separators();

    [GeneratedRegex(@"\\[,;:! ]|\s+")]
    private static partial Regex Silence();
}
