using System.Security.Cryptography;
using System.Text;
using Crosshead.Data.Shards;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Text.Tokenizers;
using static TorchSharp.torch;

namespace Crosshead.Generation;

/// <summary>
/// A data set that a model writes: documents are drawn from the model, batch after batch, and stored in token shards
/// like those of <see cref="DataPreparation"/>. Each batch has its own random numbers. So an interrupted run continues
/// with the next batch and ends with the same bytes as a run without interruption. When there are enough tokens, the
/// last document is cut and the other documents of its batch are dropped.
/// </summary>
public sealed class DataGeneration : IDocumentSource
{
    private readonly Generator _generator;
    private readonly Tokenizer _tokenizer;
    private readonly DataGenerationOptions _options;
    private readonly IReadOnlyList<int>[] _prompts;
    private readonly GenerationOptions _generation;
    private readonly int? _begin;
    private readonly int _end;
    private readonly IProgress<DataGenerationProgress>? _progress;
    private readonly int _batch;
    private (long Tokens, long Before, long Documents, long Cut, long UnderWay) _progressed;

    private DataGeneration(Generator generator, LanguageModel model, Tokenizer tokenizer, DataGenerationOptions options,
        IProgress<DataGenerationProgress>? progress)
    {
        (_generator, _tokenizer, _options, _progress) = (generator, tokenizer, options, progress);
        _end = tokenizer.EosTokenId!.Value;
        _begin = tokenizer.BosTokenId;
        _prompts = PromptsOf(tokenizer, options);
        var most = Math.Min(options.MaxTokens ?? int.MaxValue, model.Options.Context);
        // Models that were not trained with an end token begin the next document.
        int[] ends = [_end, .. options.EndTokens, .. _begin is { } begin ? [begin] : Array.Empty<int>()];
        _generation = new GenerationOptions
        {
            MaxTokens = most - _prompts.Min(p => p.Count),
            EndTokens = ends,
            Sampling = options.Sampling,
        };
        MostTokens = most;
        _batch = (int)Math.Min(options.Batch, ((options.Tokens - 1) / most) + 1);
    }

    private int MostTokens { get; }

    /// <summary>Fills a data folder, continues an unfinished one, or recognises a finished one.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">The model's tokenizer; a copy is put in the folder.</param>
    /// <param name="directory">The data folder; created if it does not exist.</param>
    /// <param name="options">How much is written, and how.</param>
    /// <param name="progress">Called every few tokens, from any thread; may be null.</param>
    /// <param name="cancellation">Stops the run; its state is saved.</param>
    /// <returns>The contents of the folder.</returns>
    /// <exception cref="CrossheadException">An option is out of range, or the tokenizer is not the model's. Or the
    /// folder holds other data, cannot be written, or is written by another process.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled; the same call continues from
    /// there.</exception>
    public static DatasetManifest Run(LanguageModel model, Tokenizer tokenizer, string directory,
        DataGenerationOptions options,
        IProgress<DataGenerationProgress>? progress = null, CancellationToken cancellation = default)
    {
        Require(model.Options, tokenizer, options);
        using var generator = new Generator(model, new TokenizerCodec(tokenizer));
        var generation = new DataGeneration(generator, model, tokenizer, options, progress);
        return DatasetBuilder.Build(FolderOf(model.Options, model.ComputeType, tokenizer, directory, options),
            generation, cancellation);
    }

    /// <summary>Checks the options against a model's shape and tokenizer.</summary>
    /// <exception cref="CrossheadException">An option is out of range, or a prompt is too long. Or the tokenizer is not
    /// the model's or has no end token.</exception>
    internal static void Require(ModelOptions model, Tokenizer tokenizer, DataGenerationOptions options)
    {
        options.Validate();
        if (tokenizer.VocabularySize > model.VocabularySize)
            throw new CrossheadException($"the tokenizer has {tokenizer.VocabularySize} tokens, the model "
                + $"{model.VocabularySize}; use the tokenizer.json that the model was trained with.");
        tokenizer.RequireEosToken();
        var most = Math.Min(options.MaxTokens ?? int.MaxValue, model.Context);
        if (PromptsOf(tokenizer, options).FirstOrDefault(p => p.Count >= most) is { } tooLong)
            throw new CrossheadException(
                $"a prompt of {tooLong.Count} tokens leaves no room in documents of {most} tokens; shorten it.");
    }

    /// <summary>Checks the options, and that a folder holds no other data, before the model is loaded.</summary>
    /// <param name="model">The model's shape.</param>
    /// <param name="type">Precision of the computation.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="directory">The data folder.</param>
    /// <param name="options">How much is written, and how.</param>
    /// <exception cref="CrossheadException">An option is out of range, or a prompt is too long. Or the tokenizer is not
    /// the model's or has no end token. Or the folder holds other data.</exception>
    public static void Require(ModelOptions model, ScalarType type, Tokenizer tokenizer, string directory,
        DataGenerationOptions options)
    {
        Require(model, tokenizer, options);
        FolderOf(model, type, tokenizer, directory, options).Require();
    }

    private static DatasetFolder FolderOf(ModelOptions model, ScalarType type, Tokenizer tokenizer, string directory,
        DataGenerationOptions options)
    {
        var request = new PreparationRequest
        {
            TokenizerSha256 = tokenizer.Sha256,
            Field = "",
            SplitOn = "",
            HeldOutFraction = options.HeldOutFraction,
            Seed = options.Seed,
            ShardTokens = options.ShardTokens,
            Sources = [],
            Generated = new GeneratedSource
            {
                Model = options.Model,
                WeightsHash = options.WeightsHash,
                Dtype = Precision.NameOf(type),
                Tokens = options.Tokens,
                MaxTokens = Math.Min(options.MaxTokens ?? int.MaxValue, model.Context),
                Batch = options.Batch,
                Temperature = options.Sampling.Temperature,
                TopK = options.Sampling.TopK,
                TopP = options.Sampling.TopP,
                MinP = options.Sampling.MinP,
                PromptsSha256 = options.Prompts.Count == 0 ? "" : Convert.ToHexStringLower(
                    SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', options.Prompts)))),
            },
        };
        return new DatasetFolder(directory, request, tokenizer, tokenizer.EosTokenId!.Value, options.Overwrite,
            "generate the data");
    }

    private static IReadOnlyList<int>[] PromptsOf(Tokenizer tokenizer, DataGenerationOptions options)
    {
        var first = tokenizer.BosTokenId ?? tokenizer.EosTokenId!.Value;
        return options.Prompts.Count == 0 ? [[first]] : [.. options.Prompts.Select(p =>
            (IReadOnlyList<int>)[first, .. tokenizer.Encode(p, addSpecialTokens: false, parseSpecialTokens: false)])];
    }

    IEnumerable<DocumentBatch> IDocumentSource.Read(PreparationState state, CancellationToken cancellation)
    {
        var (tokens, documents) = (state.Train.AllTokens + state.HeldOut.AllTokens,
            state.Train.AllDocuments + state.HeldOut.AllDocuments);
        _progressed = (tokens, tokens, documents, 0, 0);
        if (tokens >= _options.Tokens) yield break;
        foreach (var batch in Batches(state.Index, cancellation))
        {
            var (written, cuts) = (new List<ShardDocument>(batch.Documents.Count), 0);
            foreach (var (whole, cut) in batch.Documents)
            {
                var document = whole.AsMemory(0, (int)Math.Min(whole.Length, _options.Tokens - tokens));
                if (document.IsEmpty) break;
                var bytes = Encoding.UTF8.GetByteCount(_tokenizer.Decode(document.Span, skipSpecialTokens: true));
                written.Add(
                    new ShardDocument(document, bytes, IsHeldOut(documents) ? DataSplit.HeldOut : DataSplit.Train));
                (tokens, documents) = (tokens + document.Length, documents + 1);
                if (cut) cuts++;
            }
            yield return new DocumentBatch(written, state = state with { Index = state.Index + 1 }, Keep: true);
            lock (_generator)
                _progressed = (tokens, _progressed.Before, documents, _progressed.Cut + cuts,
                    _progressed.UnderWay - batch.Drawn);
            Report(0);
            if (tokens >= _options.Tokens) yield break;
        }
    }

    // Endless batches in order, with one batch in progress per processor.
    private IEnumerable<DrawnBatch> Batches(long index, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var (parallel, underWay) = (_generator.Parallel(), new Queue<Task<DrawnBatch>>());
        try
        {
            while (true)
            {
                for (; underWay.Count < parallel; index++)
                {
                    var next = index;
                    underWay.Enqueue(
                        Task.Run(() => Batch(next, parallel > 1 ? 1 : null, stop.Token), CancellationToken.None));
                }
                yield return underWay.Dequeue().GetAwaiter().GetResult();
            }
        }
        finally
        {
            stop.Cancel();
            Task.WhenAll(underWay).ContinueWith(_ => { }, TaskScheduler.Default).Wait(CancellationToken.None);
        }
    }

    // All documents of one batch, or none.
    private DrawnBatch Batch(long index, int? threads, CancellationToken cancellation)
    {
        var prompts = Enumerable.Range(0, _batch)
            .Select(i => _prompts[((index * _batch) + i) % _prompts.Length]).ToArray();
        // The generator gives each document of a batch its own stream of random numbers.
        var seed = unchecked((_options.Seed * 0x5851F42D4C957F2D) + index + 1);
        using var run = _generator.Start(prompts,
            _generation with { Sampling = _options.Sampling with { Seed = seed } }, threads);
        var (drawn, fresh) = (0, 0);
        foreach (var token in run.Tokens(cancellation))
        {
            if (++fresh < prompts.Length) continue;
            Report(fresh);
            (drawn, fresh) = (drawn + fresh, 0);
        }
        cancellation.ThrowIfCancellationRequested();
        return new([.. run.Sequences.Select((sequence, i) => Document(prompts[i], sequence))
            .Where(d => d.Ids.Length > 1)], drawn);
    }

    private void Report(int drawn)
    {
        lock (_generator)
        {
            _progressed.UnderWay += drawn;
            _progress?.Report(new(_progressed.Tokens, _options.Tokens, _progressed.Documents, _progressed.Before,
                _progressed.Cut, _progressed.UnderWay));
        }
    }

    // Documents start with the begin token, or end with the end token if there is no begin token. A begin token that
    // the model itself drew is dropped.
    private (int[] Ids, bool Cut) Document(IReadOnlyList<int> prompt, GeneratedSequence sequence)
    {
        var ids = sequence.Ids.Take(MostTokens - prompt.Count).ToList();
        var drawsEnd = sequence.Stop == StopReason.EndToken && ids.Count == sequence.Ids.Count;
        if (drawsEnd && (ids[^1] == _begin || ids[^1] >= _tokenizer.VocabularySize)) ids.RemoveAt(ids.Count - 1);
        if (_begin is null && (ids.Count == 0 || ids[^1] != _end)) ids.Add(_end);
        return ([.. _begin is null ? prompt.Skip(1) : prompt, .. ids], Cut: !drawsEnd);
    }

    // Holds out the second document, and then the given share. So both parts have documents as soon as there are two.
    private bool IsHeldOut(long document) =>
        document > 0
        && Math.Ceiling(document * _options.HeldOutFraction) > Math.Ceiling((document - 1) * _options.HeldOutFraction);

    // The documents of a batch, and the number of its tokens that were reported as in progress.
    private sealed record DrawnBatch(IReadOnlyList<(int[] Ids, bool Cut)> Documents, int Drawn);
}
