using System.Text.Encodings.Web;
using System.Text.Json;
using static Crosshead.Text.Grammars.GrammarBuilder;

namespace Crosshead.Text.Grammars;

/// <summary>
/// The parts of JSON texts. Between two tokens stand at most <see cref="GrammarLimits.Blanks"/> white-space characters;
/// before a value of any kind none is read.
/// </summary>
internal sealed class JsonSyntax
{
    private static readonly CharacterSet s_escaped = CharacterSet.Of((0, 0x1F), ('"', '"'), ('\\', '\\'));

    private readonly GrammarBuilder _builder;
    private readonly GrammarPart _character;
    private readonly GrammarPart _plainCharacter;
    private readonly GrammarPart _hex;
    private readonly Lazy<(GrammarPart Object, GrammarPart Value)> _any;

    public JsonSyntax(GrammarBuilder builder)
    {
        _builder = builder;
        _hex = builder.Any(builder.Range('0', '9'), builder.Range('a', 'f'), builder.Range('A', 'F'));
        Blanks = builder.Rule(builder.Repeat(builder.Any([.. " \t\n\r".Select(c => builder.Bytes((byte)c))]), 0,
            GrammarLimits.Blanks));
        _plainCharacter = s_escaped.Not().In(builder);
        _character = builder.Rule(builder.Any(_plainCharacter, Escape()));
        Text = builder.Rule(Quoted(builder.Star(builder.Any(_plainCharacter, Escape()))));
        Null = builder.Text("null");
        Boolean = builder.Any(builder.Text("true"), builder.Text("false"));
        var positive = Sequence(builder.Range('1', '9'), Digits(0, GrammarLimits.Digits - 1));
        var zero = builder.Text("0");
        Integer = builder.Rule(builder.Any(zero, Sequence(builder.Optional(builder.Text("-")), positive)));
        Number = builder.Rule(Sequence(builder.Optional(builder.Text("-")), builder.Any(zero, positive),
            builder.Optional(Sequence(builder.Text("."), Digits(1, GrammarLimits.Digits))),
            builder.Optional(Sequence(builder.Any(builder.Text("e"), builder.Text("E")),
                builder.Optional(builder.Any(builder.Text("+"), builder.Text("-"))), Digits(1, 2)))));
        _any = new(() =>
        {
            var rule = builder.DeclareRule();
            var value = builder.Call(rule);
            var any = Object(Text, value);
            builder.DefineRule(rule, builder.Any(Text, Number, Boolean, Null, any, List(value, 0, null)));
            return (any, value);
        });
    }

    /// <summary>White space between tokens.</summary>
    public GrammarPart Blanks { get; }

    /// <summary>Any string.</summary>
    public GrammarPart Text { get; }

    public GrammarPart Integer { get; }

    public GrammarPart Number { get; }

    public GrammarPart Boolean { get; }

    public GrammarPart Null { get; }

    /// <summary>An object of any members.</summary>
    public GrammarPart AnyObject => _any.Value.Object;

    /// <summary>A value of any kind.</summary>
    public GrammarPart AnyValue => _any.Value.Value;

    /// <summary>A value that is written in exactly one way.</summary>
    public static string Written(JsonElement value)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream,
            new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            value.WriteTo(writer);
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>A string that is written in exactly one way.</summary>
    public static string Written(string text) =>
        $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    /// <summary>A string with a number of characters.</summary>
    public GrammarPart TextOf(long min, long? max) => _builder.Rule(Quoted(_builder.Repeat(_character, min, max)));

    /// <summary>A part between quotes.</summary>
    public GrammarPart Quoted(GrammarPart part) => Sequence(_builder.Text("\""), part, _builder.Text("\""));

    /// <summary>A character within a string. What JSON must escape has its usual escape.</summary>
    public GrammarPart Character(CharacterSet set)
    {
        var ways = new List<GrammarPart>();
        if (set.Except(s_escaped) is { IsEmpty: false } plain) ways.Add(plain.In(_builder));
        var escaped = set.Except(set.Except(s_escaped)).Ranges
            .SelectMany(range => Enumerable.Range(range.Low, range.High - range.Low + 1));
        var texts = escaped.Select(c => Written(((char)c).ToString())[1..^1]).ToArray();
        if (texts.Length > 0) ways.Add(_builder.OneOf(texts));
        return _builder.Any(ways);
    }

    /// <summary>A list of items.</summary>
    public GrammarPart List(GrammarPart item, long min, long? max)
    {
        var next = Sequence(Blanks, _builder.Text(","), Blanks, item);
        var items = max == 0 ? null : Sequence(item, _builder.Repeat(next, Math.Max(min - 1, 0), max - 1), Blanks);
        return _builder.Rule(Sequence(_builder.Text("["), Blanks,
            items is null ? from => from : min == 0 ? _builder.Optional(items) : items, _builder.Text("]")),
            nests: true);
    }

    /// <summary>An object of any members with such names and values.</summary>
    public GrammarPart Object(GrammarPart name, GrammarPart value)
    {
        var member = Member(name, value);
        return _builder.Rule(Sequence(_builder.Text("{"), Blanks, _builder.Optional(Sequence(member,
            _builder.Star(Sequence(Blanks, _builder.Text(","), Blanks, member)), Blanks)), _builder.Text("}")),
            nests: true);
    }

    /// <summary>A name and a value.</summary>
    public GrammarPart Member(GrammarPart name, GrammarPart value) =>
        Sequence(name, Blanks, _builder.Text(":"), Blanks, value);

    /// <summary>A string that needs no escapes and is none of some names.</summary>
    public GrammarPart NameOtherThan(IReadOnlyCollection<string> names)
    {
        var simple = names.Where(name => Written(name).Length == name.Length + 2);
        var further = _builder.Rule(_builder.Star(_plainCharacter));
        var foreign = _builder.Rule(CharacterSet.Of((0x80, 0x10FFFF)).In(_builder));
        return Quoted(Other([.. simple], 0));

        GrammarPart Other(string[] some, int at)
        {
            var ways = new List<GrammarPart>();
            if (!some.Any(name => name.Length == at)) ways.Add(from => from);
            var next = some.Where(name => name.Length > at)
                .GroupBy(name => System.Text.Rune.GetRuneAt(name, at).Value).ToArray();
            foreach (var group in next)
                ways.Add(Sequence(CharacterSet.Of((group.Key, group.Key)).In(_builder),
                    Other([.. group], at + new System.Text.Rune(group.Key).Utf16SequenceLength)));
            var taken = CharacterSet.Of(next.Select(group => (group.Key, group.Key))).Or(s_escaped);
            ways.Add(Sequence(CharacterSet.Of((0, 0x7F)).Except(taken).In(_builder), further));
            // Characters beyond ASCII are rarely in names: one rule for all of them is enough then.
            ways.Add(Sequence(next.All(group => group.Key < 0x80) ? foreign
                : CharacterSet.Of((0x80, 0x10FFFF)).Except(taken).In(_builder), further));
            return _builder.Any(ways);
        }
    }

    private GrammarPart Digits(int min, int max) => _builder.Repeat(_builder.Range('0', '9'), min, max);

    private GrammarPart Escape()
    {
        var two = Sequence(_hex, _hex);
        var whole = _builder.Any( // \uXXXX without halves of surrogate pairs
            Sequence(_builder.Any(_builder.Range('0', '9'), _builder.Range('a', 'c'), _builder.Range('A', 'C'),
                _builder.Range('e', 'f'), _builder.Range('E', 'F')), _hex, two),
            Sequence(Letter('d'), _builder.Range('0', '7'), two));
        var pair = Sequence(Letter('d'), _builder.Any(_builder.Range('8', '9'), Letter('a'), Letter('b')), two,
            _builder.Text("\\u"), Letter('d'), _builder.Any(Letter('c'), Letter('d'), Letter('e'), Letter('f')), two);
        return Sequence(_builder.Text("\\"), _builder.Any([
            .. "\"\\/bfnrt".Select(c => _builder.Bytes((byte)c)), Sequence(_builder.Text("u"),
                _builder.Any(whole, pair))]));
    }

    private GrammarPart Letter(char lower) =>
        _builder.Any(_builder.Bytes((byte)lower), _builder.Bytes((byte)char.ToUpperInvariant(lower)));
}
