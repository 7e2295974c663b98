using Crosshead.Attention.Caches;
using Crosshead.Evaluation.Tasks;
using Crosshead.Generation;
using Crosshead.Runtime;

namespace Crosshead.Evaluation;

/// <summary>How a model is asked the tasks.</summary>
public sealed record EvaluationOptions
{
    /// <summary>Whether the tokenizer's begin token stands before every context.</summary>
    public bool AddBegin { get; init; }

    /// <summary>How answers keep tokens while they are written.</summary>
    public CacheOptions Cache { get; init; } = new();

    /// <summary>The coarsest numbers that the CPU rounds activations to.</summary>
    public ActivationType Activations { get; init; } = ActivationTypes.Usual;

    /// <summary>Maximum number of answers that are written side by side.</summary>
    public int Batch { get; init; } = new GenerationOptions().Batch;

    /// <summary>
    /// Writes a prompt as the beginning of a conversation, up to the model's answer; null to use the prompt unchanged.
    /// The continuation then follows without a space.
    /// </summary>
    public Func<TaskPrompt, string>? Chat { get; init; }

    /// <summary>Tokens at which the model's own texts end.</summary>
    public IReadOnlyList<int> EndTokens { get; init; } = [];

    /// <summary>Whether requests share their beginnings. False computes each request alone, for comparison.</summary>
    public bool SharePrefixes { get; init; } = true;
}
