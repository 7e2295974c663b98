using Crosshead.Attention.Caches;
using Crosshead.Model;

namespace Crosshead.Decoding.TensorParallel;

/// <summary>
/// Decodes with a model that ranks share out. Each rank has a decoder of its own for its part, with a cache for its
/// heads, and all run the same passes. Rank 0 has the logits.
/// </summary>
public sealed class TensorParallelDecoder : ICapturingDecoder
{
    private readonly TensorParallelModel _model;
    private readonly IDecoder[] _ranks;

    /// <summary>Prepares to decode.</summary>
    /// <param name="model">The model; must outlive the decoder.</param>
    /// <param name="create">Makes the decoder of a part.</param>
    public TensorParallelDecoder(TensorParallelModel model, Func<LanguageModel, IDecoder> create)
    {
        ArgumentNullException.ThrowIfNull(model);
        (_model, _ranks) = (model, new IDecoder[model.Ranks]);
        try
        {
            model.Run(rank => _ranks[rank] = create(model.Parts[rank]));
        }
        catch
        {
            Dispose();
            throw;
        }
        ICacheStore[] caches = [.. _ranks.Select(r => r.Cache)];
        Cache = caches[0] is IPageStore
            ? new SharedPages([.. caches.Cast<IPageStore>()], model.Run) : new SharedCache(caches);
    }

    /// <inheritdoc/>
    public ICacheStore Cache { get; }

    /// <inheritdoc/>
    public int VocabularySize => _ranks[0].VocabularySize;

    /// <inheritdoc/>
    public int? ShortContext => _ranks[0].ShortContext;

    /// <inheritdoc/>
    public PromptCost PromptCost => _ranks[0].PromptCost;

    /// <inheritdoc/>
    public int Captures => _ranks[0] is ICapturingDecoder first ? first.Captures : 0;

    /// <inheritdoc/>
    public string? Refusal => (_ranks[0] as ICapturingDecoder)?.Refusal;

    /// <inheritdoc/>
    public void Run(DecodePass pass, CancellationToken cancellation = default)
    {
        pass.Require(Cache);
        cancellation.ThrowIfCancellationRequested();
        // Ranks that see a cancellation at different times would wait for each other.
        _model.Run(rank => _ranks[rank].Run(pass, CancellationToken.None));
    }

    /// <inheritdoc/>
    public void Prepare(int tokens) => _model.Run(rank => (_ranks[rank] as ICapturingDecoder)?.Prepare(tokens));

    /// <summary>
    /// Counts prompts as read and fills their cache with random numbers, where the parts are decoded by captured steps.
    /// </summary>
    /// <param name="tokens">Number of tokens per prompt.</param>
    /// <returns>Whether they are.</returns>
    public bool TryDraw(int tokens)
    {
        if (_ranks.Any(r => r is not CudaGraphDecoder)) return false;
        _model.Run(rank => ((CudaGraphDecoder)_ranks[rank]).Draw(tokens));
        return true;
    }

    /// <inheritdoc/>
    public ReadOnlySpan<float> Logits(int row) => _ranks[0].Logits(row);

    /// <inheritdoc/>
    public (int Id, float Logit) MostLikely(int row) => _ranks[0].MostLikely(row);

    /// <inheritdoc/>
    public LargestLogits? Largest(int row) => _ranks[0].Largest(row);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var decoder in _ranks) decoder?.Dispose();
    }
}
