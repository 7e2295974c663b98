namespace Crosshead.Data.Shards;

/// <summary>An ordered stream of documents in tokens, which can go on from where a preparation was interrupted.</summary>
internal interface IDocumentSource
{
    /// <summary>Refuses what cannot be read at all, before anything is removed from the folder.</summary>
    /// <exception cref="CrossheadException">The source is bad.</exception>
    void Check() { }

    /// <summary>The documents from where a preparation stands, in order. The next batch is asked for once the last is written.</summary>
    /// <exception cref="CrossheadException">The source is bad, or has no document.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    IEnumerable<DocumentBatch> Read(PreparationState state, CancellationToken cancellation);

    /// <summary>Where another pass over the documents begins, which replaces the one that was made; null where none is needed.</summary>
    /// <param name="state">Where the pass ended.</param>
    /// <param name="train">What it wrote to train on.</param>
    /// <param name="heldOut">What it held out.</param>
    PreparationState? NextPass(PreparationState state, SplitInfo train, SplitInfo heldOut) => null;

    /// <summary>Whether the source must change before it can be prepared: then what was made of it is removed.</summary>
    bool MustChange(CrossheadException refusal) => false;

    /// <summary>Rows that had no text and were left out.</summary>
    long RowsLeftOut => 0;
}

/// <summary>Documents that are written together.</summary>
/// <param name="Documents">The documents, in order.</param>
/// <param name="After">Where the preparation stands once they are written.</param>
/// <param name="Keep">Whether that is brought to the disk at once, and not only with a finished shard.</param>
internal sealed record DocumentBatch(IReadOnlyList<ShardDocument> Documents, PreparationState After, bool Keep);

/// <summary>A document as shards hold it.</summary>
/// <param name="Tokens">Its tokens.</param>
/// <param name="Bytes">UTF-8 bytes of its text.</param>
/// <param name="Split">The part it belongs to.</param>
internal readonly record struct ShardDocument(ReadOnlyMemory<int> Tokens, long Bytes, DataSplit Split);
