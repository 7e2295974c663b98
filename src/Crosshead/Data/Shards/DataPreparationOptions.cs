using System.Text.Json.Serialization;
using Crosshead.Data.Sources;

namespace Crosshead.Data.Shards;

/// <summary>How text becomes token shards. What does not change the result (workers, overwrite) is not recorded.</summary>
public sealed record DataPreparationOptions
{
    /// <summary>Share of the documents kept for evaluation, 0 ≤ fraction &lt; 1; above 0 at least one of two or more documents is.</summary>
    public double HeldOutFraction { get; init; } = 0.01;

    /// <summary>Chooses which documents are held out; the choice depends on it and on each document's text alone.</summary>
    public long Seed { get; init; }

    /// <summary>A shard is closed after the document that brings it to this many tokens; 1 to 2³⁰.</summary>
    public int ShardTokens { get; init; } = 100_000_000;

    /// <summary>How documents are found in files.</summary>
    public DocumentReaderOptions Reader { get; init; } = new();

    /// <summary>Threads that encode, 1 to 1,024. The result is the same for any number.</summary>
    [JsonIgnore]
    public int Workers { get; init; } = Math.Min(Environment.ProcessorCount, MostWorkers);

    /// <summary>Replaces a folder prepared otherwise instead of refusing to.</summary>
    [JsonIgnore]
    public bool Overwrite { get; init; }

    private const int MostWorkers = 1024;

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="CrossheadException">A value is out of its range.</exception>
    public void Validate()
    {
        if (!(HeldOutFraction is >= 0 and < 1))
            throw new CrossheadException($"held-out fraction ({HeldOutFraction}) must be at least 0 and below 1; use 0.01 for one document in a hundred.");
        if (ShardTokens is < 1 or > 1 << 30) throw new CrossheadException($"shard size ({ShardTokens} tokens) must be 1 to {1 << 30}; use 100000000.");
        if (Workers is < 1 or > MostWorkers) throw new CrossheadException($"workers ({Workers}) must be 1 to {MostWorkers}; this machine has {Environment.ProcessorCount} processors.");
        Reader.Validate();
    }
}
