namespace Crosshead.Evaluation.Tasks;

/// <summary>One of the continuations whose log-likelihoods are compared.</summary>
/// <param name="Prompt">What stands before it; the same object for all choices of a sample where the text is the
/// same.</param>
/// <param name="Continuation">What is scored, with the space before it.</param>
/// <param name="Text">The choice itself: <c>acc_norm</c> divides by its number of characters (Unicode code
/// points).</param>
public sealed record TaskChoice(TaskPrompt Prompt, string Continuation, string Text);
