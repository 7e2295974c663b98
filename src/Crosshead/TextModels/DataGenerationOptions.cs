using Crosshead.Generation;
using Crosshead.Runtime.Distributed;

namespace Crosshead.TextModels;

/// <summary>How a model writes a data set. The same model and options give the same tokens.</summary>
public sealed record DataGenerationOptions
{
    /// <summary>Total number of tokens to write. The document that reaches this number is cut there.</summary>
    public required long Tokens { get; init; }

    /// <summary>Directory of the model, as written in the manifest of the data set.</summary>
    public required string Model { get; init; }

    /// <summary>Hash of the model's weights.</summary>
    public required string WeightsHash { get; init; }

    /// <summary>How tokens are drawn; the seed in these options is not used.</summary>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>Seed of the random numbers.</summary>
    public long Seed { get; init; }

    /// <summary>Prompts of the documents, used in turn. Empty: documents start with the begin token alone.</summary>
    public IReadOnlyList<string> Prompts { get; init; } = [];

    /// <summary>Tokens that end a document, in addition to the tokenizer's end and begin tokens.</summary>
    public IReadOnlyList<int> EndTokens { get; init; } = [];

    /// <summary>Maximum number of tokens per document; null for the model's context.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>
    /// Maximum number of documents written side by side. Fewer are used if fewer documents of maximum length give the
    /// requested tokens.
    /// </summary>
    public int Batch { get; init; } = new GenerationOptions().Batch;

    /// <summary>Share of documents that are held out.</summary>
    public double HeldOutFraction { get; init; } = 0.02;

    /// <summary>Number of tokens after which a shard ends; its last document is completed first.</summary>
    public long ShardTokens { get; init; } = 1L << 26;

    /// <summary>
    /// Whether to start again and replace any data set in the folder. False: other data in the folder is an error.
    /// </summary>
    public bool Overwrite { get; init; }

    /// <summary>The ranks that draw the documents together; the data do not depend on their number.</summary>
    public ICommunicator Communicator { get; init; } = Alone.Instance;

    /// <summary>Checks every range.</summary>
    /// <exception cref="CrossheadException">A value is out of its range.</exception>
    public void Validate()
    {
        Sampling.Validate();
        Require(Tokens is >= 1 and <= 1L << 50, "tokens", Tokens, $"between 1 and {1L << 50}");
        Require(MaxTokens is null or >= 2, "maxTokens", MaxTokens ?? 0, "at least 2");
        Require(Batch is >= 1 and <= GenerationOptions.MostBatch, "batch", Batch,
            $"between 1 and {GenerationOptions.MostBatch}");
        Require(HeldOutFraction is >= 0 and <= 0.5, "heldOutFraction", HeldOutFraction, "between 0 and 0.5");
        Require(ShardTokens is >= 1 and <= 1L << 30, "shardTokens", ShardTokens, $"between 1 and {1L << 30}");
    }

    private static void Require(bool inRange, string name, double value, string range)
    {
        if (!inRange) throw new CrossheadException($"{name} ({value}) must be {range}.");
    }
}
