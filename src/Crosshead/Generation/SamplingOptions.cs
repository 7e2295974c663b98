namespace Crosshead.Generation;

/// <summary>
/// How the next token is drawn from the logits. The filters apply in this order: bias of tokens; repetition, frequency
/// and presence penalties; temperature; then top-k, top-p and min-p, in the order of Hugging Face Transformers.
/// </summary>
public sealed record SamplingOptions
{
    /// <summary>Smallest <see cref="RepetitionPenalty"/>. With a smaller penalty logits would overflow.</summary>
    public const double LeastPenalty = 0.01;

    /// <summary>
    /// Divides the logits, 0 to 100. 0 takes the most likely token (greedy), and the filters below do nothing. A tiny
    /// temperature does the same, except for equally likely tokens.
    /// </summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Keeps the k most likely tokens, and tokens as likely as the last of these; 0 keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>
    /// Keeps the fewest most likely tokens whose probabilities sum to at least this value. Above 0, at most 1; 1 keeps
    /// all.
    /// </summary>
    public double TopP { get; init; } = 1;

    /// <summary>Keeps tokens at least this many times as likely as the most likely one, 0 to 1; 0 keeps all.</summary>
    public double MinP { get; init; }

    /// <summary>
    /// Divides the positive logits and multiplies the negative logits of tokens that have occurred. 0.01 to 100; 1
    /// changes nothing.
    /// </summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>
    /// Subtracted from the logits of tokens that the sequence has drawn, −2 to 2; the prompt does not count.
    /// </summary>
    public double PresencePenalty { get; init; }

    /// <summary>
    /// Subtracted from the logits of tokens once per time that the sequence has drawn them, −2 to 2; the prompt does
    /// not count.
    /// </summary>
    public double FrequencyPenalty { get; init; }

    /// <summary>Added to the logits of some tokens, by id, −100 to 100; null for none.</summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }

    /// <summary>
    /// Seed of the random numbers; the same seed draws the same tokens. Null for a new seed each time.
    /// </summary>
    public long? Seed { get; init; }

    /// <summary>Always takes the most likely token.</summary>
    public static SamplingOptions Greedy { get; } = new() { Temperature = 0 };

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="CrossheadException">A value is out of its range; the message names it and the
    /// range.</exception>
    public void Validate()
    {
        Require(Temperature is >= 0 and <= 100, "temperature", Temperature, "0 (greedy) to 100");
        Require(TopK >= 0, "topK", TopK, "0 (all tokens) or more");
        Require(TopP is > 0 and <= 1, "topP", TopP, "above 0, at most 1 (all tokens)");
        Require(MinP is >= 0 and <= 1, "minP", MinP, "0 (all tokens) to 1");
        Require(RepetitionPenalty is >= LeastPenalty and <= 100, "repetitionPenalty", RepetitionPenalty,
            $"{LeastPenalty} to 100; 1 changes nothing");
        Require(PresencePenalty is >= -2 and <= 2, "presencePenalty", PresencePenalty, "-2 to 2; 0 changes nothing");
        Require(FrequencyPenalty is >= -2 and <= 2, "frequencyPenalty", FrequencyPenalty,
            "-2 to 2; 0 changes nothing");
        foreach (var (id, bias) in LogitBias ?? new Dictionary<int, float>())
        {
            if (id < 0) throw new CrossheadException($"logitBias names token {id}; tokens are numbered from 0.");
            Require(bias is >= -100 and <= 100, $"logitBias of token {id}", bias, "-100 to 100");
        }
    }

    private static void Require(bool inRange, string name, double value, string range)
    {
        if (!inRange) throw new CrossheadException($"{name} ({value}) is out of range; use {range}.");
    }
}
