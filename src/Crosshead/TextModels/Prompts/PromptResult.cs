namespace Crosshead.TextModels.Prompts;

/// <summary>What was done with a file of prompts.</summary>
/// <param name="Answers">Number of answers, those of an interrupted run included.</param>
/// <param name="Earlier">Answers of the interrupted run.</param>
/// <param name="Full">Answers of this run that ended because the model's context was full.</param>
/// <param name="Seed">The seed, given or drawn.</param>
/// <param name="Statistics">Time and memory of this run.</param>
public sealed record PromptResult(long Answers, long Earlier, long Full, long Seed, GenerationStatistics Statistics);
