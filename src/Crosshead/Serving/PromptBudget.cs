namespace Crosshead.Serving;

/// <summary>What a step may compute of prompts.</summary>
/// <param name="Tokens">Most tokens.</param>
/// <param name="Usual">What they may cost, counted as <see cref="Decoding.PromptCost"/> does.</param>
/// <param name="Most">What they may cost where fewer tokens would hardly help.</param>
internal readonly record struct PromptBudget(int Tokens, double Usual, double Most)
{
    /// <summary>So many tokens, whatever they cost.</summary>
    public static PromptBudget Of(int tokens) => new(tokens, double.PositiveInfinity, double.PositiveInfinity);
}
