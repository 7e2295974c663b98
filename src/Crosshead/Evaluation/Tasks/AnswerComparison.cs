namespace Crosshead.Evaluation.Tasks;

/// <summary>When an answer equals the right one.</summary>
public enum AnswerComparison
{
    /// <summary>The texts are the same, but for case, white space around them and a full stop at the end.</summary>
    Text,

    /// <summary>Both are numbers of one value: thousands separators and currency signs do not count.</summary>
    Number,

    /// <summary>Both say the same as mathematics: numbers, fractions, simple LaTeX; else the texts are the same.</summary>
    Mathematics,

    /// <summary>Both name the same letters, whatever their order and what stands between them.</summary>
    LetterSet,
}
