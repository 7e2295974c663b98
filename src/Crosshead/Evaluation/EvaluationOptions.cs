using Crosshead.Evaluation.Tasks;

namespace Crosshead.Evaluation;

/// <summary>How tasks are put to a model.</summary>
public sealed record EvaluationOptions
{
    /// <summary>Whether the tokenizer's begin token stands before every context.</summary>
    public bool AddBegin { get; init; }

    /// <summary>Writes a prompt as the beginning of a conversation, up to where the model answers; null to give it as it is. The continuation then follows without a space.</summary>
    public Func<TaskPrompt, string>? Chat { get; init; }

    /// <summary>Tokens at which the model's own texts end.</summary>
    public IReadOnlyList<int> EndTokens { get; init; } = [];

    /// <summary>Whether requests share what they begin with; false computes each alone, for comparison.</summary>
    public bool SharePrefixes { get; init; } = true;
}
