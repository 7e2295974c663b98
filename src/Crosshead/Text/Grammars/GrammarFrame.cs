namespace Crosshead.Text.Grammars;

/// <summary>One way to read the text so far: the state that it leads to, and the rules that are still open.</summary>
/// <param name="number">A number that orders frames.</param>
/// <param name="state">The state within the innermost rule; in an outer frame, the state after the call.</param>
/// <param name="outer">The rule that called this one; null in the first rule.</param>
/// <param name="depth">Number of JSON objects and lists that are open.</param>
internal sealed class GrammarFrame(int number, int state, GrammarFrame? outer, int depth)
{
    public int Number { get; } = number;

    public int State { get; } = state;

    public GrammarFrame? Outer { get; } = outer;

    public int Depth { get; } = depth;
}
