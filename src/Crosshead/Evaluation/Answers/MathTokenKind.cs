namespace Crosshead.Evaluation.Answers;

/// <summary>What a token of an answer is.</summary>
internal enum MathTokenKind
{
    /// <summary>Digits, perhaps with a point.</summary>
    Number,

    /// <summary>One letter: a variable.</summary>
    Letter,

    /// <summary>A LaTeX command with its backslash.</summary>
    Command,

    /// <summary>Words, as inside <c>\text{…}</c>.</summary>
    Text,

    /// <summary>Any other character.</summary>
    Symbol,

    /// <summary>The end of the answer.</summary>
    End,
}
