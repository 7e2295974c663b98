using System.Diagnostics;
using Crosshead.Data.Sources;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Data.Shards;

/// <summary>
/// Turns text into token shards: documents are read in order, encoded on several threads, split by a hash of
/// their text and written in order. Progress is saved at every finished shard and on cancellation. The same call
/// continues from there and ends with the same bytes as a run without interruption.
/// </summary>
public sealed class DataPreparation : IDocumentSource
{
    private const int BatchCharacters = 1 << 18;

    private readonly DocumentReader _reader;
    private readonly Tokenizer _tokenizer;
    private readonly int _endToken;
    private readonly DataPreparationOptions _options;
    private readonly IProgress<PreparationProgress>? _progress;

    private DataPreparation(DocumentReader reader, Tokenizer tokenizer, DataPreparationOptions options,
        IProgress<PreparationProgress>? progress)
    {
        (_reader, _tokenizer, _options, _progress) = (reader, tokenizer, options, progress);
        _endToken = tokenizer.RequireEosToken();
    }

    /// <summary>Prepares a data folder, continues an unfinished one, or recognises a finished one.</summary>
    /// <param name="inputs">Text, JSONL or Parquet files, folders or patterns.</param>
    /// <param name="tokenizer">The tokenizer; a copy is put in the folder.</param>
    /// <param name="directory">The data folder; created if it does not exist.</param>
    /// <param name="options">The split, the size of shards, and other options.</param>
    /// <param name="progress">Called about every megabyte; may be null.</param>
    /// <param name="cancellation">Stops the run; its state is saved.</param>
    /// <returns>The contents of the folder.</returns>
    /// <exception cref="CrossheadException">
    /// An input is bad, and the preparation leaves nothing; the folder holds other data, cannot be written, or another
    /// process writes it.
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the same call continues from
    /// there.</exception>
    public static DatasetManifest Run(
        IReadOnlyList<string> inputs, Tokenizer tokenizer, string directory, DataPreparationOptions options,
        IProgress<PreparationProgress>? progress = null, CancellationToken cancellation = default)
    {
        options.Validate();
        var reader = new DocumentReader(inputs, options.Source);
        var preparation = new DataPreparation(reader, tokenizer, options, progress);
        var folder = new DatasetFolder(directory, PreparationRequest.Of(reader, tokenizer, options), tokenizer,
            preparation._endToken, options.Overwrite, "prepare the data");
        return DatasetBuilder.Build(folder, preparation, cancellation);
    }

    void IDocumentSource.Check()
    {
        foreach (var _ in _reader.Read()) break;
    }

    IEnumerable<DocumentBatch> IDocumentSource.Read(PreparationState state, CancellationToken cancellation)
    {
        for (var source = 0; source < Math.Min(state.Source, state.LeftOut.Count); source++)
            _reader.LeftOut[source] = state.LeftOut[source];
        var clock = Stopwatch.StartNew();
        var tokens = state.Train.AllTokens + state.HeldOut.AllTokens;
        var firstByte = -1L;
        foreach (var encoded in EncodeInOrder(state.Source, state.Index, cancellation))
        {
            var documents = new List<ShardDocument>(encoded.Documents.Count);
            var start = 0;
            foreach (var (document, hash, bytes, end) in encoded.Documents)
            {
                var (split, after) = state.HoldOut.Next(hash, _options.HeldOutFraction);
                documents.Add(new ShardDocument(encoded.Tokens[start..end], bytes, split));
                start = end;
                state = state with { Source = document.Source, Index = document.Index + 1, HoldOut = after };
            }
            yield return new DocumentBatch(documents,
                state = state with { LeftOut = [.. _reader.LeftOut] }, Keep: false);
            tokens += encoded.Tokens.Length;
            firstByte = firstByte < 0 ? _reader.BytesRead : firstByte;
            _progress?.Report(new(_reader.BytesRead, _reader.TotalBytes, state.HoldOut.Documents, tokens,
                (_reader.BytesRead - firstByte) / clock.Elapsed.TotalSeconds));
        }
        if (state.HoldOut.Documents == 0)
            throw new CrossheadException($"the {_reader.Files.Count} input file(s) hold no document with text; name "
                + $"other inputs, or another field than \"{_options.Source.Field.Shown()}\".");
    }

    PreparationState? IDocumentSource.NextPass(PreparationState state, SplitInfo train, SplitInfo heldOut) =>
        state.HoldOut.SecondPass(train.Documents, heldOut.Documents, _options.HeldOutFraction) is { } secondPass
            ? new PreparationState { Request = state.Request, HoldOut = secondPass }
            : null;

    // If the input must change, the existing output is useless and would only be in the way.
    bool IDocumentSource.MustChange(CrossheadException refusal) =>
        refusal.InnerException is EndOfStreamException or not (IOException or UnauthorizedAccessException);

    long IDocumentSource.RowsLeftOut => _reader.RowsLeftOut;

    // Reads on this thread, encodes on others, and returns the batches in the order in which they were read.
    private IEnumerable<EncodedBatch> EncodeInOrder(int source, long index, CancellationToken cancellation)
    {
        var inFlight = new Queue<Task<EncodedBatch>>();
        var documents = new List<Document>();
        var characters = 0L;
        foreach (var document in _reader.Read(source, index))
        {
            cancellation.ThrowIfCancellationRequested();
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
