namespace Crosshead.Decoding;

/// <summary>Consecutive tokens of one slot in a pass.</summary>
/// <param name="Slot">The slot.</param>
/// <param name="Start">Position of the first token.</param>
/// <param name="First">Row of the first token in the pass.</param>
/// <param name="Count">Number of tokens.</param>
/// <param name="Reach">Number of tokens of the prompt that the tokens are a part of; 0 for other tokens.</param>
internal readonly record struct TokenRun(int Slot, int Start, int First, int Count, int Reach)
{
    /// <summary>Whether it is one token whose angles depend on its position alone.</summary>
    /// <param name="shortContext">The context within which longer texts have other angles; null for none.</param>
    public bool IsStep(int? shortContext) => Count == 1 && !(Reach > shortContext && Start < shortContext);
}
