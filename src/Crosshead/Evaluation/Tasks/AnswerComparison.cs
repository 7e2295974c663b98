namespace Crosshead.Evaluation.Tasks;

/// <summary>When an answer equals the right one.</summary>
public enum AnswerComparison
{
    /// <summary>The texts are the same, except for case, surrounding white space and a full stop at the end.</summary>
    Text,

    /// <summary>Both are numbers with the same value; thousands separators and currency signs do not count.</summary>
    Number,

    /// <summary>
    /// Both are equal as mathematics: numbers, fractions, simple LaTeX. Otherwise the texts are the same.
    /// </summary>
    Mathematics,

    /// <summary>Both name the same letters, in any order and with any text between them.</summary>
    LetterSet,
}
