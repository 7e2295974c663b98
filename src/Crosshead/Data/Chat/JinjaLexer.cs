using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Crosshead.Data.Chat;

/// <summary>
/// Cuts a Jinja template into tokens with the white space of its texts as Transformers sets it: <c>trim_blocks</c> (no line end
/// after a statement), <c>lstrip_blocks</c> (no indentation before one), and <c>-</c> and <c>+</c> in the tags.
/// </summary>
internal sealed partial class JinjaLexer
{
    private readonly string _source;
    private readonly List<JinjaToken> _tokens = [];
    private int _at;
    private int _line = 1;
    private int _lineCountedTo;

    // Whether what was consumed last ended a line, so that what follows begins one.
    private bool _lineStart = true;

    private JinjaLexer(string source) => _source = source;

    /// <summary>The template's tokens, ended by <see cref="JinjaTokenKind.End"/>.</summary>
    public static List<JinjaToken> Read(string template)
    {
        var source = template.ReplaceLineEndings("\n");
        if (source.EndsWith('\n')) source = source[..^1];
        return new JinjaLexer(source).Read();
    }

    private List<JinjaToken> Read()
    {
        while (_at < _source.Length)
        {
            var begin = Begin().Match(_source, _at);
            if (!begin.Success)
            {
                Add(JinjaTokenKind.Text, _source[_at..]);
                _at = _source.Length;
                break;
            }
            AddText(begin.Index, begin.Groups["sign"].Value, isBlock: begin.Groups["tag"].Value != "{{");
            _at = begin.Index + begin.Length;
            switch (begin.Groups["tag"].Value)
            {
                case "{#": Comment(); break;
                case "{{": Tag(JinjaTokenKind.OutputBegin, JinjaTokenKind.OutputEnd, OutputEnd()); break;
                default:
                    if (Take(RawBegin()) is null) Tag(JinjaTokenKind.BlockBegin, JinjaTokenKind.BlockEnd, BlockEnd());
                    else Raw();
                    break;
            }
        }
        Add(JinjaTokenKind.End, "");
        return _tokens;
    }

    private void AddText(int end, string sign, bool isBlock)
    {
        var text = _source[_at..end];
        if (sign == "-") text = text.TrimEnd();
        else if (sign != "+" && isBlock)
        {
            var lineStart = text.LastIndexOf('\n') + 1;
            if ((lineStart > 0 || _lineStart) && string.IsNullOrWhiteSpace(text[lineStart..])) text = text[..lineStart];
        }
        if (text.Length > 0) Add(JinjaTokenKind.Text, text);
    }

    private void Comment()
    {
        var end = CommentEnd().Match(_source, _at);
        if (!end.Success) throw new JinjaException("a comment {# does not end; close it with #}", Line());
        _at = end.Index + end.Length;
        _lineStart = end.Value.EndsWith('\n');
    }

    private void Raw()
    {
        var end = RawEnd().Match(_source, _at);
        if (!end.Success) throw new JinjaException("a block {% raw %} does not end; close it with {% endraw %}", Line());
        _lineStart = false;
        AddText(end.Index, end.Groups["sign"].Value, isBlock: true);
        _at = end.Index + end.Length;
        _lineStart = end.Value.EndsWith('\n');
    }

    private void Tag(JinjaTokenKind begin, JinjaTokenKind end, Regex closing)
    {
        var line = Line();
        Add(begin, "");
        for (var brackets = 0; ;)
        {
            Take(Space());
            if (_at == _source.Length) throw new JinjaException($"a tag {(end == JinjaTokenKind.OutputEnd ? "{{" : "{%")} does not end", line);
            if (brackets == 0 && Take(closing) is { } close)
            {
                Add(end, "");
                _lineStart = close.EndsWith('\n');
                return;
            }
            if (Take(Name()) is { } name) Add(JinjaTokenKind.Name, name);
            else if (Take(Number()) is { } number)
                Add(number.Any(c => c is '.' or 'e' or 'E') ? JinjaTokenKind.Float : JinjaTokenKind.Integer, number.Replace("_", "", StringComparison.Ordinal));
            else if (Take(Quoted()) is { } quoted) Add(JinjaTokenKind.String, Unescape(quoted[1..^1]));
            else if (Take(Operator()) is { } sign)
            {
                brackets += sign is "(" or "[" or "{" ? 1 : sign is ")" or "]" or "}" ? -1 : 0;
                Add(JinjaTokenKind.Operator, sign);
            }
            else throw new JinjaException($"unexpected character '{_source[_at]}'", Line());
        }
    }

    private static string Unescape(string text)
    {
        if (!text.Contains('\\')) return text;
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || i + 1 == text.Length)
            {
                result.Append(text[i]);
                continue;
            }
            var escape = text[++i];
            var digits = escape switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
            if (digits > 0 && i + digits < text.Length && int.TryParse(text.AsSpan(i + 1, digits), NumberStyles.AllowHexSpecifier, null, out var code) && (code < 0x10000 || Rune.IsValid(code)))
            {
                result.Append(code < 0x10000 ? ((char)code).ToString() : char.ConvertFromUtf32(code));
                i += digits;
            }
            else
            {
                result.Append(escape switch { 'n' => "\n", 't' => "\t", 'r' => "\r", '\\' => "\\", '\'' => "'", '"' => "\"", '\n' => "", '0' => "\0", 'b' => "\b", 'f' => "\f", 'v' => "\v", 'a' => "\a", _ => "\\" + escape });
            }
        }
        return result.ToString();
    }

    private void Add(JinjaTokenKind kind, string text) => _tokens.Add(new JinjaToken(kind, text, Line()));

    private int Line()
    {
        _line += _source.AsSpan(_lineCountedTo, _at - _lineCountedTo).Count('\n');
        _lineCountedTo = _at;
        return _line;
    }

    private string? Take(Regex pattern)
    {
        var match = pattern.Match(_source, _at);
        if (!match.Success) return null;
        _at += match.Length;
        return match.Value;
    }

    [GeneratedRegex(@"(?<tag>\{\{|\{%|\{#)(?<sign>[-+]?)")]
    private static partial Regex Begin();

    [GeneratedRegex(@"\G(-\}\}\s*|\}\})")]
    private static partial Regex OutputEnd();

    [GeneratedRegex(@"\G(\+%\}|-%\}\s*|%\}\n?)")]
    private static partial Regex BlockEnd();

    [GeneratedRegex(@"\+#\}|-#\}\s*|#\}\n?")]
    private static partial Regex CommentEnd();

    [GeneratedRegex(@"\G\s*raw\s*(-%\}\s*|%\})")]
    private static partial Regex RawBegin();

    [GeneratedRegex(@"\{%(?<sign>[-+]?)\s*endraw\s*(\+%\}|-%\}\s*|%\}\n?)")]
    private static partial Regex RawEnd();

    [GeneratedRegex(@"\G\s+")]
    private static partial Regex Space();

    [GeneratedRegex(@"\G[\p{L}_][\p{L}\p{N}_]*")]
    private static partial Regex Name();

    [GeneratedRegex(@"\G[0-9][0-9_]*(\.[0-9]+)?([eE][-+]?[0-9]+)?")]
    private static partial Regex Number();

    [GeneratedRegex(@"\G('([^'\\]|\\.)*'|""([^""\\]|\\.)*"")", RegexOptions.Singleline)]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\G(\*\*|//|==|!=|<=|>=|[-+*/%~<>=()\[\]{},.:|;])")]
    private static partial Regex Operator();
}
