using Crosshead.Attention;
using static TorchSharp.torch;

namespace Crosshead.Compression.Fits;

/// <summary>
/// Second moments of a layer's latent vectors, after their norm, and of the plain parts of its queries, on real text,
/// in float64.
/// </summary>
internal sealed class LatentStatistics : ILayerStatistics
{
    private readonly LatentAttention _attention;

    /// <summary>Creates empty statistics for a layer.</summary>
    public LatentStatistics(LatentAttention attention, AttentionOptions options, LatentOptions latent)
    {
        _attention = attention;
        var device = attention.Latent.Weight.Device;
        Latents = zeros([latent.Rank, latent.Rank], ScalarType.Float64, device).DetachFromDisposeScope();
        Queries = zeros([options.Heads, latent.PlainWidth, latent.PlainWidth], ScalarType.Float64, device)
            .DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public long Tokens { get; private set; }

    /// <summary>Σ c cᵀ of the normed latent vectors [rank, rank].</summary>
    public Tensor Latents { get; }

    /// <summary>Σ q qᵀ of the plain parts of each query head [h, plain, plain].</summary>
    public Tensor Queries { get; }

    /// <inheritdoc/>
    public bool IsFinite
    {
        get
        {
            using var scope = NewDisposeScope();
            return Latents.isfinite().all().item<bool>() && Queries.isfinite().all().item<bool>();
        }
    }

    /// <inheritdoc/>
    public void Add(Tensor x)
    {
        using var scope = NewDisposeScope();
        var latents = _attention.NormedLatents(x).flatten(0, 1).to(ScalarType.Float64);                // [T,rank]
        var queries = _attention.PlainQueries(x).flatten(0, 1).to(ScalarType.Float64).permute(1, 2, 0); // [h,p,T]
        Latents.add_(latents.t().matmul(latents));
        Queries.add_(queries.matmul(queries.transpose(1, 2)));
        Tokens += latents.shape[0];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Latents.Dispose();
        Queries.Dispose();
    }
}
