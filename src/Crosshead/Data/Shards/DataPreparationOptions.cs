using Crosshead.Data.Sources;

namespace Crosshead.Data.Shards;

/// <summary>How text becomes token shards. The same inputs, tokenizer and options give the same bytes.</summary>
public sealed record DataPreparationOptions
{
    /// <summary>How documents are found inside the inputs.</summary>
    public SourceOptions Source { get; init; } = new();

    /// <summary>
    /// The share of held-out documents. They are chosen by a hash of their text, so equal documents are in the same
    /// part.
    /// </summary>
    public double HeldOutFraction { get; init; } = 0.02;

    /// <summary>Seeds the choice of held-out documents.</summary>
    public long Seed { get; init; }

    /// <summary>Tokens after which a shard ends, at the next end of a document.</summary>
    public long ShardTokens { get; init; } = 1L << 26;

    /// <summary>Number of encoding threads. The result does not depend on it.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;

    /// <summary>
    /// Whether to start again, whatever data set the folder holds. False: other data in the folder is an error.
    /// </summary>
    public bool Overwrite { get; init; }

    /// <summary>Checks every range.</summary>
    /// <exception cref="CrossheadException">A value is out of its range.</exception>
    public void Validate()
    {
        Source.Validate();
        if (HeldOutFraction is not (>= 0 and <= 0.5))
            throw new CrossheadException($"heldOutFraction ({HeldOutFraction}) must be between 0 and 0.5.");
        if (ShardTokens is < 1 or > 1L << 30)
            throw new CrossheadException($"shardTokens ({ShardTokens}) must be between 1 and {1L << 30}.");
        if (Workers < 1)
            throw new CrossheadException($"workers ({Workers}) must be at least 1.");
    }
}
