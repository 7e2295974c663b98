namespace Crosshead.Text.Jinja;

/// <summary>What a token of a Jinja template is.</summary>
internal enum JinjaTokenKind
{
    /// <summary>Text that is put out as it is.</summary>
    Text,

    /// <summary>The beginning of an output, <c>{{</c>.</summary>
    OutputBegin,

    /// <summary>Its end, <c>}}</c>.</summary>
    OutputEnd,

    /// <summary>The beginning of a statement, <c>{%</c>.</summary>
    BlockBegin,

    /// <summary>Its end, <c>%}</c>.</summary>
    BlockEnd,

    /// <summary>A name or a word of the language.</summary>
    Name,

    /// <summary>A string's value.</summary>
    String,

    /// <summary>A whole number.</summary>
    Integer,

    /// <summary>A number with a point or an exponent.</summary>
    Float,

    /// <summary>An operator or a bracket.</summary>
    Operator,

    /// <summary>The template's end.</summary>
    End,
}
