using System.IO.Hashing;

namespace Crosshead.Data.Shards;

/// <summary>
/// Chooses held-out documents: those whose seeded XXH3 is below a fraction of the hash range, the same on every
/// machine. In a small set one side may stay empty. So the choice also remembers the document nearest to the border,
/// and a second pass puts this document on the empty side.
/// </summary>
internal sealed record HoldOut
{
    /// <summary>Documents seen.</summary>
    public long Documents { get; init; }

    /// <summary>The document with the smallest hash so far, and that hash.</summary>
    public long Lowest { get; init; }

    /// <summary>The smallest hash.</summary>
    public ulong LowestHash { get; init; } = ulong.MaxValue;

    /// <summary>The document with the largest hash so far.</summary>
    public long Highest { get; init; }

    /// <summary>The largest hash.</summary>
    public ulong HighestHash { get; init; }

    /// <summary>The document that is moved to the other side, against its hash; or -1.</summary>
    public long Exception { get; init; } = -1;

    /// <summary>The hash of a document's UTF-8 text.</summary>
    public static ulong Hash(ReadOnlySpan<byte> text, long seed) => XxHash3.HashToUInt64(text, seed);

    /// <summary>The side of the next document, and the state after it.</summary>
    public (DataSplit Split, HoldOut After) Next(ulong hash, double fraction)
    {
        // 53 bits of the hash, as a number below 1.
        var heldOut = (hash >> 11) * (1.0 / (1UL << 53)) < fraction;
        if (Documents == Exception)
            heldOut = !heldOut;
        var after = this with
        {
            Documents = Documents + 1,
            Lowest = Documents == 0 || hash < LowestHash ? Documents : Lowest,
            LowestHash = Math.Min(hash, LowestHash),
            Highest = Documents == 0 || hash > HighestHash ? Documents : Highest,
            HighestHash = Math.Max(hash, HighestHash),
        };
        return (heldOut ? DataSplit.HeldOut : DataSplit.Train, after);
    }

    /// <summary>
    /// The state for a second pass if this pass left a needed side empty; otherwise null. A single document is always
    /// used for training.
    /// </summary>
    public HoldOut? SecondPass(long trainDocuments, long heldOutDocuments, double fraction)
    {
        if (Exception >= 0 || fraction == 0 || (trainDocuments > 0 && (heldOutDocuments > 0 || Documents < 2)))
            return null;
        return new HoldOut { Exception = trainDocuments == 0 ? Highest : Lowest };
    }
}
