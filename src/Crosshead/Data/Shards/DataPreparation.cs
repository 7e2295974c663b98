using System.Diagnostics;
using Crosshead.Data.Sources;
using Crosshead.Files;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Data.Shards;

/// <summary>
/// Turns text into token shards: documents are read in order, encoded on several threads, split by a hash of
/// their text and written in order. What is done is kept at every finished shard and on cancellation; the same
/// call goes on from there and ends with the same bytes as a run without interruption.
/// </summary>
public sealed class DataPreparation
{
    private const int BatchCharacters = 1 << 18;

    private readonly DocumentReader _reader;
    private readonly Tokenizer _tokenizer;
    private readonly int _endToken;
    private readonly DatasetFolder _folder;
    private readonly DataPreparationOptions _options;
    private readonly PreparationRequest _request;
    private readonly IProgress<PreparationProgress>? _progress;

    private DataPreparation(DocumentReader reader, Tokenizer tokenizer, string directory, DataPreparationOptions options, IProgress<PreparationProgress>? progress)
    {
        (_reader, _tokenizer, _options, _progress) = (reader, tokenizer, options, progress);
        _endToken = tokenizer.EosTokenId
            ?? throw new CrossheadException("the tokenizer has no end token; name its eos_token in the tokenizer_config.json beside it.");
        _request = PreparationRequest.Of(reader, tokenizer, options);
        _folder = new DatasetFolder(directory, _request, tokenizer, _endToken, options.Overwrite, "prepare the data");
    }

    /// <summary>Prepares a data folder, goes on with an unfinished one, or recognises a finished one.</summary>
    /// <param name="inputs">Text, JSONL or Parquet files, folders or patterns.</param>
    /// <param name="tokenizer">The tokenizer; a copy is put in the folder.</param>
    /// <param name="directory">The data folder, made if need be.</param>
    /// <param name="options">The split, the size of shards and so on.</param>
    /// <param name="progress">Told about every megabyte, or null.</param>
    /// <param name="cancellationToken">Stops the run, its state kept.</param>
    /// <returns>What the folder holds.</returns>
    /// <exception cref="CrossheadException">
    /// An input is bad, and nothing is left of the preparation; the folder holds other data, or cannot be written, or another
    /// process writes it.
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the same call goes on from there.</exception>
    public static DatasetManifest Run(
        IReadOnlyList<string> inputs, Tokenizer tokenizer, string directory, DataPreparationOptions options,
        IProgress<PreparationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        options.Validate();
        var preparation = new DataPreparation(new DocumentReader(inputs, options.Source), tokenizer, directory, options, progress);
        using var held = FolderLock.Take(directory);
        try
        {
            return preparation.Run(cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"cannot write the data folder {directory}: {e.Message.TrimEnd('.')}; free space or the folder and run the same command again to continue.", e);
        }
    }

    private DatasetManifest Run(CancellationToken cancellationToken)
    {
        if (_folder.TryReuse() is { } finished)
            return finished;
        foreach (var _ in _reader.Read()) break; // what cannot be read at all is refused before anything is removed
        var state = _folder.Begin();
        for (var source = 0; source < Math.Min(state.Source, state.LeftOut.Count); source++)
            _reader.LeftOut[source] = state.LeftOut[source];
        while (true)
        {
            state = Write(state, cancellationToken);
            var (train, heldOut) = (SplitInfo.Of(state.Train.Finished), SplitInfo.Of(state.HeldOut.Finished));
            if (state.HoldOut.Documents == 0)
            {
                _folder.Clear();
                throw new CrossheadException($"the {_reader.Files.Count} input file(s) hold no document with text; name other inputs, or another field than \"{_options.Source.Field.Shown()}\".");
            }
            if (state.HoldOut.SecondPass(train.Documents, heldOut.Documents, _options.HeldOutFraction) is not { } secondPass)
                return _folder.Finish(train, heldOut, _reader.RowsLeftOut);
            state = new PreparationState { Request = _request, HoldOut = secondPass };
            _folder.Save(state);
        }
    }

    // One pass over the documents from where the state stands.
    private PreparationState Write(PreparationState state, CancellationToken cancellationToken)
    {
        var (train, heldOut) = _folder.Writers(state);
        using var first = train;
        using var second = heldOut;
        var clock = Stopwatch.StartNew();
        var tokens = SplitInfo.Of(state.Train.Finished).Tokens + SplitInfo.Of(state.HeldOut.Finished).Tokens + train.OpenTokens + heldOut.OpenTokens;
        var firstByte = -1L;
        try
        {
            foreach (var batch in EncodeInOrder(state.Source, state.Index, cancellationToken))
            {
                var start = 0;
                foreach (var (document, hash, bytes, end) in batch.Documents)
                {
                    var (split, after) = state.HoldOut.Next(hash, _options.HeldOutFraction);
                    var writer = split == DataSplit.Train ? train : heldOut;
                    writer.Append(batch.Tokens[start..end], bytes);
                    start = end;
                    state = state with { Source = document.Source, Index = document.Index + 1, HoldOut = after };
                    if (writer.OpenTokens < _options.ShardTokens)
                        continue;
                    writer.FinishShard();
                    state = Keep(state, train, heldOut);
                }
                tokens += batch.Tokens.Length;
                firstByte = firstByte < 0 ? _reader.BytesRead : firstByte;
                _progress?.Report(new(_reader.BytesRead, _reader.TotalBytes, state.HoldOut.Documents, tokens, (_reader.BytesRead - firstByte) / clock.Elapsed.TotalSeconds));
            }
        }
        catch (OperationCanceledException)
        {
            Keep(state, train, heldOut);
            throw;
        }
        catch (CrossheadException e) when (e.InnerException is EndOfStreamException or not (IOException or UnauthorizedAccessException))
        {
            // The input must change before it can be prepared: what was made of it as it is helps no more, and would be in the way.
            _folder.Clear();
            throw;
        }
        train.FinishShard();
        heldOut.FinishShard();
        return state with { Train = train.State, HeldOut = heldOut.State };
    }

    private PreparationState Keep(PreparationState state, ShardWriter train, ShardWriter heldOut) =>
        _folder.Keep(state with { LeftOut = [.. _reader.LeftOut] }, train, heldOut);

    // Reads on this thread, encodes on others, gives the batches back in the order they were read.
    private IEnumerable<EncodedBatch> EncodeInOrder(int source, long index, CancellationToken cancellationToken)
    {
        var inFlight = new Queue<Task<EncodedBatch>>();
        var documents = new List<Document>();
        var characters = 0L;
        foreach (var document in _reader.Read(source, index))
        {
            cancellationToken.ThrowIfCancellationRequested();
            documents.Add(document);
            characters += document.Text.Length;
            if (characters < BatchCharacters)
                continue;
            inFlight.Enqueue(Start(documents));
            (documents, characters) = ([], 0);
            if (inFlight.Count > _options.Workers)
                yield return inFlight.Dequeue().GetAwaiter().GetResult();
        }
        if (documents.Count > 0)
            inFlight.Enqueue(Start(documents));
        while (inFlight.TryDequeue(out var batch))
            yield return batch.GetAwaiter().GetResult();
    }

    private Task<EncodedBatch> Start(List<Document> documents) =>
        Task.Run(() => EncodedBatch.Encode(documents, _tokenizer, _endToken, _options.Seed));
}
