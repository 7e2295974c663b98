using Crosshead.Files;

namespace Crosshead.Data.Shards;

/// <summary>
/// Writes the documents of a source into the shards of a data folder. Progress is saved at every finished shard and on
/// cancellation. The same call continues from there and ends with the same bytes as a run without interruption.
/// </summary>
internal sealed class DatasetBuilder
{
    private readonly DatasetFolder _folder;
    private readonly IDocumentSource _source;

    private DatasetBuilder(DatasetFolder folder, IDocumentSource source) => (_folder, _source) = (folder, source);

    /// <summary>Fills a data folder, continues an unfinished one, or recognises a finished one.</summary>
    /// <exception cref="CrossheadException">
    /// The source is bad; the folder holds other data, or cannot be written, or another process writes it.
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the same call continues from
    /// there.</exception>
    public static DatasetManifest Build(DatasetFolder folder, IDocumentSource source, CancellationToken cancellation)
    {
        using var held = FolderLock.Take(folder.Directory);
        try
        {
            return new DatasetBuilder(folder, source).Build(cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"cannot write the data folder {folder.Directory}: {e.Reason()}; "
                + "free space, or allow writing there, and run the same command again to continue.", e);
        }
    }

    private DatasetManifest Build(CancellationToken cancellation)
    {
        if (_folder.TryReuse() is { } finished)
            return finished;
        _source.Check();
        var state = _folder.Begin();
        while (true)
        {
            state = Write(state, cancellation);
            var (train, heldOut) = (SplitInfo.Of(state.Train.Finished), SplitInfo.Of(state.HeldOut.Finished));
            if (_source.NextPass(state, train, heldOut) is not { } next)
                return _folder.Finish(train, heldOut, _source.RowsLeftOut);
            _folder.Save(state = next);
        }
    }

    // One pass over the documents from the saved state.
    private PreparationState Write(PreparationState state, CancellationToken cancellation)
    {
        var (train, heldOut) = _folder.Writers(state);
        using var first = train;
        using var second = heldOut;
        try
        {
            foreach (var batch in _source.Read(state, cancellation))
            {
                var keep = batch.Keep;
                foreach (var document in batch.Documents)
                {
                    var writer = document.Split == DataSplit.Train ? train : heldOut;
                    writer.Append(document.Tokens.Span, document.Bytes);
                    if (writer.OpenTokens < _folder.Request.ShardTokens) continue;
                    writer.FinishShard();
                    keep = true;
                }
                state = keep ? _folder.Keep(batch.After, train, heldOut) : batch.After;
            }
        }
        catch (OperationCanceledException)
        {
            _folder.Keep(state, train, heldOut);
            throw;
        }
        catch (CrossheadException e) when (_source.MustChange(e))
        {
            _folder.Clear();
            throw;
        }
        train.FinishShard();
        heldOut.FinishShard();
        return state with { Train = train.State, HeldOut = heldOut.State };
    }
}
