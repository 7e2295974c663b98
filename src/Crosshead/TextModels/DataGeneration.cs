using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Crosshead.Data.Shards;
using Crosshead.Generation;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;
using Crosshead.Serving;
using Crosshead.Text.Tokenizers;
using static TorchSharp.torch;

namespace Crosshead.TextModels;

/// <summary>
/// A data set that a model writes: documents are drawn from the model and stored in token shards like those of
/// <see cref="DataPreparation"/>. Each document has its own random numbers, and the next one begins as soon as another
/// has ended. An interrupted run continues with the next batch of documents and ends with the same bytes as a run
/// without interruption. When there are enough tokens, the last document is cut and those after it are dropped.
/// </summary>
/// <remarks>
/// On a device a document may depend on those beside it. There, the documents of up to eight batches are drawn
/// together, and the next ones wait until all have ended. So what is beside a document does not depend on
/// interruptions, nor on the number of ranks.
/// </remarks>
public sealed class DataGeneration : IDocumentSource
{
    private const int MostBatches = 8, LeastBlocks = 8; // of a block; of all documents, which ranks share out

    private readonly Generator _generator;
    private readonly Tokenizer _tokenizer;
    private readonly DataGenerationOptions _options;
    private readonly IReadOnlyList<int>[] _prompts;
    private readonly GenerationOptions _generation;
    private readonly int? _begin;
    private readonly int _end;
    private readonly IProgress<DataGenerationProgress>? _progress;
    private readonly int _batch, _kept; // documents side by side, and those that are kept together
    private readonly DealtDocuments _dealt;
    private (long Tokens, long Before, long Documents, long Cut, long UnderWay) _progressed;

    private DataGeneration(Generator generator, LanguageModel model, Tokenizer tokenizer, DataGenerationOptions options,
        IProgress<DataGenerationProgress>? progress, CancellationToken cancellation)
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
            EndTokens = ends,
            Sampling = options.Sampling,
        };
        MostTokens = most;
        _batch = (int)Math.Min(options.Batch, ((options.Tokens - 1) / most) + 1);
        var batches = options.Tokens / ((long)most * _batch * LeastBlocks); // of a block
        _kept = generator.KeepsSequencesApart ? _batch : _batch * (int)Math.Clamp(batches, 1, MostBatches);
        _dealt = new DealtDocuments(options.Communicator, _kept, first => Own(first, cancellation));
    }

    private int MostTokens { get; }

    /// <summary>
    /// Fills a data folder, continues an unfinished one, or recognises a finished one. Of several ranks, rank 0 calls
    /// it, and the others call <see cref="Help"/>.
    /// </summary>
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
        var generation = new DataGeneration(generator, model, tokenizer, options, progress, cancellation);
        RequireSame(model, tokenizer, options);
        try
        {
            return DatasetBuilder.Build(FolderOf(model.Options, model.ComputeType, tokenizer, directory, options),
                generation, cancellation);
        }
        finally
        {
            generation._dealt.End();
        }
    }

    /// <summary>Draws documents for rank 0 until it has enough. For the other ranks.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="options">As on rank 0.</param>
    /// <param name="cancellation">Stops all ranks.</param>
    /// <exception cref="CrossheadException">An option is out of range, or ranks differ.</exception>
    /// <exception cref="OperationCanceledException">A rank was cancelled.</exception>
    public static void Help(LanguageModel model, Tokenizer tokenizer, DataGenerationOptions options,
        CancellationToken cancellation = default)
    {
        Require(model.Options, tokenizer, options);
        using var generator = new Generator(model, new TokenizerCodec(tokenizer));
        var generation = new DataGeneration(generator, model, tokenizer, options, null, cancellation);
        RequireSame(model, tokenizer, options);
        generation._dealt.Serve();
    }

    private static void RequireSame(LanguageModel model, Tokenizer tokenizer, DataGenerationOptions options) =>
        options.Communicator.RequireSame(("the kind of device", $"{model.Device.type}"), ("the options",
            JsonSerializer.Serialize(RequestOf(model.Options, model.ComputeType, tokenizer, options))));

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
        var prompts = PromptsOf(tokenizer, options);
        if (Array.FindIndex(prompts, p => p.Count >= most) is >= 0 and var tooLong)
            throw new CrossheadException($"prompt {tooLong + 1}{(tooLong < options.Prompts.Count
                ? $" (\"{options.Prompts[tooLong].Shown()}\")" : "")}, of {prompts[tooLong].Count} tokens, leaves no "
                + $"room in documents of {most} tokens; shorten it.");
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
        DataGenerationOptions options) => new(directory, RequestOf(model, type, tokenizer, options), tokenizer,
            tokenizer.EosTokenId!.Value, options.Overwrite, "generate the data");

    private static PreparationRequest RequestOf(ModelOptions model, ScalarType type, Tokenizer tokenizer,
        DataGenerationOptions options) =>
        new()
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
        var written = new List<ShardDocument>(_kept);
        var (cuts, count, drawn) = (0, 0, 0);
        foreach (var next in _dealt.From(state.Index * _batch))
        {
            var document = next.Ids.AsMemory(0, (int)Math.Min(next.Ids.Length, _options.Tokens - tokens));
            (count, drawn) = (count + 1, drawn + next.Drawn);
            if (!document.IsEmpty)
            {
                var bytes = Encoding.UTF8.GetByteCount(_tokenizer.Decode(document.Span, skipSpecialTokens: true));
                written.Add(
                    new ShardDocument(document, bytes, IsHeldOut(documents) ? DataSplit.HeldOut : DataSplit.Train));
                (tokens, documents) = (tokens + document.Length, documents + 1);
                if (next.Cut) cuts++;
            }
            if (count < _kept && tokens < _options.Tokens) continue;
            state = state with { Index = state.Index + (_kept / _batch) };
            yield return new DocumentBatch([.. written], state, Keep: true);
            lock (_generator)
                _progressed = (tokens, _progressed.Before, documents, _progressed.Cut + cuts,
                    _progressed.UnderWay - drawn);
            written.Clear();
            (cuts, count, drawn) = (0, 0, 0);
            Report(0);
            if (tokens >= _options.Tokens) yield break;
        }
    }

    // This rank's endless documents in order, drawn by one loop per processor.
    private IEnumerable<DrawnDocument> Own(long first, CancellationToken cancellation)
    {
        var lanes = _generator.Parallel;
        return Lanes.InTurn(lanes, _batch, (lane, stop) => Lane(first, lane, lanes, stop), cancellation);
    }

    // Every so many of this rank's documents, in order.
    private IEnumerable<DrawnDocument> Lane(long first, int lane, int stride, CancellationToken cancellation)
    {
        using var loop = _generator.CreateLoop(_batch, MostTokens, threads: stride > 1 ? 1 : null,
            block: _generator.KeepsSequencesApart ? null : _kept);
        loop.Stepped = Report;
        long place = lane;
        foreach (var sequence in loop.InOrder(Requests(first, lane, stride), cancellation))
        {
            yield return Document(PromptOf(_dealt.NumberOf(first, place)), sequence);
            place += stride;
        }
    }

    private IEnumerable<EngineRequest> Requests(long first, int lane, int stride)
    {
        for (long own = lane; ; own += stride)
        {
            var document = _dealt.NumberOf(first, own);
            // The documents of a batch share a seed, and each has its own stream of random numbers.
            var (batch, place) = Math.DivRem(document, _batch);
            var seed = unchecked((_options.Seed * 0x5851F42D4C957F2D) + batch + 1);
            var prompt = PromptOf(document);
            yield return _generator.RequestOf(prompt, _generation with
            {
                MaxTokens = MostTokens - prompt.Count,
                Sampling = _options.Sampling with { Seed = seed },
            }, (int)place);
        }
    }

    private IReadOnlyList<int> PromptOf(long document) => _prompts[document % _prompts.Length];

    private void Report(int drawn)
    {
        lock (_generator)
        {
            _progressed.UnderWay += drawn;
            _options.Communicator.Activity = $"document {_progressed.Documents + 1}"; // tells that work goes on
            _progress?.Report(new(_progressed.Tokens, _options.Tokens, _progressed.Documents, _progressed.Before,
                _progressed.Cut, _progressed.UnderWay));
        }
    }

    // Documents start with the begin token, or end with the end token if there is no begin token. A begin token that
    // the model itself drew is dropped.
    private DrawnDocument Document(IReadOnlyList<int> prompt, GeneratedSequence sequence)
    {
        var ids = sequence.Ids.Take(MostTokens - prompt.Count).ToList();
        var drawsEnd = sequence.Stop == StopReason.EndToken && ids.Count == sequence.Ids.Count;
        if (drawsEnd && (ids[^1] == _begin || ids[^1] >= _tokenizer.VocabularySize)) ids.RemoveAt(ids.Count - 1);
        if (_begin is null && (ids.Count == 0 || ids[^1] != _end)) ids.Add(_end);
        int[] whole = [.. _begin is null ? prompt.Skip(1) : prompt, .. ids];
        return new DrawnDocument(whole.Length > 1 ? whole : [], Cut: !drawsEnd, sequence.Ids.Count);
    }

    // Holds out the second document, and then the given share. So both parts have documents as soon as there are two.
    private bool IsHeldOut(long document) =>
        document > 0
        && Math.Ceiling(document * _options.HeldOutFraction) > Math.Ceiling((document - 1) * _options.HeldOutFraction);
}
