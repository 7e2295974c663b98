using System.Text.RegularExpressions;

namespace Crosshead.Text.Jinja;

/// <summary>
/// Cuts a Jinja template into tokens with the white space of its texts as Transformers sets it: <c>trim_blocks</c> (no
/// line end after a statement), <c>lstrip_blocks</c> (no indentation before one), and <c>-</c> and <c>+</c> in the
/// tags.
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
        var source = template.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
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
        if (sign == "-") text = JinjaText.Strip(text, null, start: false, end: true);
        else if (sign != "+" && isBlock)
        {
            var lineStart = text.LastIndexOf('\n') + 1;
            if ((lineStart > 0 || _lineStart) && text[lineStart..].All(JinjaText.IsSpace)) text = text[..lineStart];
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
        if (!end.Success)
            throw new JinjaException("a block {% raw %} does not end; close it with {% endraw %}", Line());
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
            if (_at == _source.Length)
                throw new JinjaException($"a tag {(end == JinjaTokenKind.OutputEnd ? "{{" : "{%")} does not end", line);
            if (brackets == 0 && Take(closing) is { } close)
            {
                Add(end, "");
                _lineStart = close.EndsWith('\n');
                return;
            }
            if (Take(Name()) is { } name) Add(JinjaTokenKind.Name, name);
            else if (Take(Float()) is { } floating)
                Add(JinjaTokenKind.Float, floating.Replace("_", "", StringComparison.Ordinal));
            else if (Take(Integer()) is { } whole) Add(JinjaTokenKind.Integer, whole);
            else if (Take(Quoted()) is { } quoted) Add(JinjaTokenKind.String, JinjaEscapes.Read(quoted[1..^1], Line()));
            else if (Take(Operator()) is { } sign)
            {
                brackets += sign is "(" or "[" or "{" ? 1 : sign is ")" or "]" or "}" ? -1 : 0;
                Add(JinjaTokenKind.Operator, sign);
            }
            else throw new JinjaException($"unexpected character '{_source[_at]}'", Line());
        }
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

    // Behind a point a number is an item's: m.0.1
    [GeneratedRegex(@"\G(?<!\.)([0-9]+_)*[0-9]+((\.([0-9]+_)*[0-9]+)?[eE][-+]?([0-9]+_)*[0-9]+|\.([0-9]+_)*[0-9]+)")]
    private static partial Regex Float();

    [GeneratedRegex(@"\G(0[bB](_?[01])+|0[oO](_?[0-7])+|0[xX](_?[0-9a-fA-F])+|[1-9](_?[0-9])*|0(_?0)*)")]
    private static partial Regex Integer();

    [GeneratedRegex(@"\G('([^'\\]|\\.)*'|""([^""\\]|\\.)*"")", RegexOptions.Singleline)]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\G(\*\*|//|==|!=|<=|>=|[-+*/%~<>=()\[\]{},.:|;])")]
    private static partial Regex Operator();
}
