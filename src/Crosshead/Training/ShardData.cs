using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Data;
using Crosshead.Data.Batches;
using static TorchSharp.torch;

namespace Crosshead.Training;

/// <summary>The batches of a folder of prepared shards.</summary>
internal sealed class ShardData : ITrainingData
{
    private readonly TokenDataset _dataset;
    private readonly BatchSampler _sampler;
    private readonly long[] _inputs, _targets;

    private ShardData(TokenDataset dataset, Recipe recipe)
    {
        var (batch, context) = (recipe.Training.Batch, recipe.Context);
        _dataset = dataset;
        _sampler = new BatchSampler(dataset.Train, batch, context, recipe.Training.Seed);
        (_inputs, _targets) = (new long[(long)batch * context], new long[(long)batch * context]);
    }

    /// <inheritdoc/>
    public int VocabularySize => _dataset.VocabularySize;

    /// <inheritdoc/>
    public string Hash => _dataset.Manifest!.Identity();

    /// <inheritdoc/>
    public string TokenizerHash => _dataset.TokenizerHash;

    /// <inheritdoc/>
    public string? TokenizerFile { get; private init; }

    /// <inheritdoc/>
    public int? EndToken => _dataset.Manifest!.EndTokenId;

    /// <inheritdoc/>
    public JsonNode Position
    {
        get => JsonSerializer.SerializeToNode(_sampler.Position)!;
        set => _sampler.Position = value.Deserialize<BatchPosition>()!;
    }

    /// <summary>Opens the folder that a recipe names.</summary>
    /// <exception cref="CrossheadException">The recipe names none, or the folder is missing, damaged, or shorter than a sequence.</exception>
    public static ShardData Open(Recipe recipe)
    {
        var folder = recipe.Data.Folder;
        if (folder.Length == 0)
            throw new CrossheadException("data.folder is not set; name the folder that \"crosshead data prepare\" made, for example --set data.folder=my-data.");
        var dataset = TokenDataset.Open(folder);
        try
        {
            return new ShardData(dataset, recipe) { TokenizerFile = TokenizerFiles.Find(folder) };
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
        return Batch(_inputs.Length / _sampler.Context, device);
    }

    /// <inheritdoc/>
    public IEnumerable<TokenBatch> HeldOut(int most, Device device)
    {
        if (_dataset.HeldOut.Tokens <= _sampler.Context) yield break;
        var windows = new HeldOutBatches(_dataset.HeldOut, _sampler.Batch, _sampler.Context, (long)most * _sampler.Batch);
        while (windows.Next(_inputs, _targets) is > 0 and var rows) yield return Batch(rows, device);
    }

    /// <inheritdoc/>
    public void Dispose() => _dataset.Dispose();

    private TokenBatch Batch(int rows, Device device) => new(On(_inputs, rows, device), On(_targets, rows, device));

    private Tensor On(long[] ids, int rows, Device device)
    {
        using var scope = NewDisposeScope();
        return tensor(ids, [_sampler.Batch, _sampler.Context], ScalarType.Int64).narrow(0, 0, rows).to(device, copy: true).DetachFromDisposeScope();
    }
}
