namespace Crosshead.Evaluation.Answers;

/// <summary>
/// A token of an answer, in its one normal form: <c>\dfrac</c>, <c>\tfrac</c> and <c>\frac</c> are the same token.
/// </summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Its normal text.</param>
internal readonly record struct MathToken(MathTokenKind Kind, string Text)
{
    /// <summary>Whether it is this symbol or command.</summary>
    public bool Is(string text) => Kind is MathTokenKind.Symbol or MathTokenKind.Command && Text == text;
}
