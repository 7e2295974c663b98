namespace Crosshead.TextModels.Prompts;

/// <summary>How much there is in a file of prompts.</summary>
/// <param name="Prompts">Number of prompts.</param>
/// <param name="MostTokens">Most tokens of a prompt with its answer.</param>
public sealed record PromptExtent(long Prompts, int MostTokens);
