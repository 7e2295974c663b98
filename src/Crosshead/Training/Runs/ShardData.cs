using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Data.Batches;
using Crosshead.Runtime;
using Crosshead.Text.Tokenizers;
using Crosshead.Training.Recipes;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Training.Runs;

/// <summary>The batches of a folder of prepared shards.</summary>
internal sealed class ShardData : ITrainingData
{
    private readonly TokenDataset _dataset;
    private readonly BatchSampler _sampler;
    private readonly long[] _inputs, _targets;

    private readonly long? _first;
    private readonly Lazy<int?> _beginToken;

    private ShardData(TokenDataset dataset, string folder, Recipe recipe)
    {
        var (batch, context) = (recipe.Training.Batch, recipe.Context);
        _dataset = dataset;
        _sampler = new BatchSampler(dataset.Train, batch, context, recipe.Training.Seed);
        (_inputs, _targets) = (new long[(long)batch * context], new long[(long)batch * context]);
        TokenizerFile = TokenizerFiles.Find(folder);
        _beginToken = new Lazy<int?>(() => TokenizerFile is { } file ? Tokenizer.Load(file).BosTokenId : null);
        if (recipe.Data.BeginToken)
            _first = BeginToken
                ?? throw new CrossheadException($"data.beginToken is true, but the tokenizer in \"{folder}\" has no "
                + $"begin token; set it to false, or name the bos_token in its tokenizer_config.json.");
    }

    /// <inheritdoc/>
    public int VocabularySize => _dataset.VocabularySize;

    /// <inheritdoc/>
    public string Hash => _dataset.Identity;

    /// <inheritdoc/>
    public string TokenizerHash => _dataset.TokenizerHash;

    /// <inheritdoc/>
    public string? TokenizerFile { get; }

    /// <inheritdoc/>
    public int? EndToken => _dataset.Manifest!.EndTokenId;

    /// <inheritdoc/>
    public int? BeginToken => _beginToken.Value;

    /// <inheritdoc/>
    public string? HeldOutRemark => _dataset.HeldOut.Tokens switch
    {
        < 2 => $"The data hold no held-out text: no held-out loss is measured; prepare them with a larger "
            + $"{MessageTerm.HeldOutFraction}.",
        var tokens when tokens <= _sampler.Context => $"The held-out text has {tokens} tokens, not more than a "
            + $"sequence ({_sampler.Context}): the held-out loss is that of its {tokens - 1} predictions alone.",
        _ => null,
    };

    /// <inheritdoc/>
    public JsonNode Position
    {
        get => JsonSerializer.SerializeToNode(_sampler.Position)!;
        set => _sampler.Position = PositionIn(value);
    }

    /// <inheritdoc/>
    public long Taken => (_sampler.Position.Epoch * _sampler.Windows) + _sampler.Position.Index;

    /// <summary>Opens the folder or the folders that a recipe names.</summary>
    /// <exception cref="CrossheadException">The recipe names none, or one is missing, damaged, of another tokenizer, or
    /// all together are shorter than a sequence.</exception>
    public static ShardData Open(Recipe recipe)
    {
        var (folder, folders) = (recipe.Data.Folder, recipe.Data.Folders);
        if (folder.Length == 0 && folders.Count == 0)
            throw new CrossheadException($"data.folder is not set; name a folder of prepared data, for example "
                + $"{MessageTerm.Overrides} data.folder=my-data.");
        if (folder.Length > 0 && folders.Count > 0)
            throw new CrossheadException($"data.folder (\"{folder}\") and data.folders ({string.Join(", ", folders)}) "
                + $"are both set; set one of them.");
        var dataset = TokenDataset.Open(folders.Count > 0 ? folders : [folder]);
        try
        {
            return new ShardData(dataset, folders.Count > 0 ? folders[0] : folder, recipe);
        }
        catch
        {
            dataset.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public TokenBatch Next(Device device)
    {
        _sampler.Next(_inputs, _targets);
        return Batch(_sampler.Batch, _sampler.Context, device);
    }

    /// <inheritdoc/>
    public void Skip() => _sampler.Skip();

    /// <inheritdoc/>
    public IEnumerable<TokenBatch> HeldOut(int most, Device device)
    {
        // A text shorter than a sequence is one window, if it has predictions.
        var context = (int)Math.Min(_sampler.Context, _dataset.HeldOut.Tokens - 1);
        if (context < 1) yield break;
        var windows = new HeldOutBatches(_dataset.HeldOut, _sampler.Batch, context, (long)most * _sampler.Batch);
        var size = _sampler.Batch * context;
        while (windows.Next(_inputs.AsSpan(0, size), _targets.AsSpan(0, size)) is > 0 and var rows)
            yield return Batch(rows, context, device);
    }

    /// <inheritdoc/>
    public void Dispose() => _dataset.Dispose();

    private static BatchPosition PositionIn(JsonNode? stored)
    {
        try
        {
            return stored.Deserialize<BatchPosition>() ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            throw new CrossheadException(
                $"the place in the data that the checkpoint keeps is {stored.Shown()}, but {{\"Epoch\":0,\"Index\":0}} "
                + $"and the like are read; remove the checkpoint's folder to go back to the one before.", e);
        }
    }

    private TokenBatch Batch(int rows, int context, Device device)
    {
        if (_first is { } begin)
            for (var row = 0; row < rows; row++) _inputs[row * context] = begin;
        return new TokenBatch(On(_inputs, rows, context, device), On(_targets, rows, context, device));
    }

    private static unsafe Tensor On(long[] ids, int rows, int context, Device device)
    {
        using var scope = NewDisposeScope();
        var some = empty([rows, context], ScalarType.Int64); // faster than a tensor made of the array
        ids.AsSpan(0, rows * context).CopyTo(new Span<long>((void*)Aten.DataPointer(some), rows * context));
        return Upload.To(some, device).DetachFromDisposeScope();
    }
}
