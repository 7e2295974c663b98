namespace Crosshead.TextModels.Prompts;

/// <summary>Progress of a file of prompts.</summary>
/// <param name="Answers">Answers that were written, those of an interrupted run included.</param>
/// <param name="Prompts">Number of prompts; null for a pipe.</param>
/// <param name="Earlier">Answers of the interrupted run.</param>
/// <param name="Tokens">Tokens that this run has drawn.</param>
public readonly record struct PromptProgress(long Answers, long? Prompts, long Earlier, long Tokens);
