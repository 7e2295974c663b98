namespace Crosshead.Data.Shards;

/// <summary>An ordered stream of tokenized documents, which can continue after an interruption.</summary>
internal interface IDocumentSource
{
    /// <summary>Refuses unreadable input, before anything is removed from the folder.</summary>
    /// <exception cref="CrossheadException">The source is bad.</exception>
    void Check() { }

    /// <summary>
    /// The documents from the state of a preparation on, in order. The next batch is requested after the last one was
    /// written.
    /// </summary>
    /// <exception cref="CrossheadException">The source is bad, or has no document.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    IEnumerable<DocumentBatch> Read(PreparationState state, CancellationToken cancellation);

    /// <summary>
    /// The state for another pass over the documents, which replaces the previous pass; null if none is needed.
    /// </summary>
    /// <param name="state">The state at the end of the pass.</param>
    /// <param name="train">The training documents that it wrote.</param>
    /// <param name="heldOut">The documents that it held out.</param>
    PreparationState? NextPass(PreparationState state, SplitInfo train, SplitInfo heldOut) => null;

    /// <summary>Whether the source must change before it can be prepared. Then its output is removed.</summary>
    bool MustChange(CrossheadException refusal) => false;

    /// <summary>Rows that had no text and were left out.</summary>
    long RowsLeftOut => 0;
}

/// <summary>Documents that are written together.</summary>
/// <param name="Documents">The documents, in order.</param>
/// <param name="After">The state of the preparation after they are written.</param>
/// <param name="Keep">Whether the state is saved at once, and not only with a finished shard.</param>
internal sealed record DocumentBatch(IReadOnlyList<ShardDocument> Documents, PreparationState After, bool Keep);

/// <summary>A document as shards hold it.</summary>
/// <param name="Tokens">Its tokens.</param>
/// <param name="Bytes">UTF-8 bytes of its text.</param>
/// <param name="Split">The part it belongs to.</param>
internal readonly record struct ShardDocument(ReadOnlyMemory<int> Tokens, long Bytes, DataSplit Split);
