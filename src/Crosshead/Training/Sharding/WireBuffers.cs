using static TorchSharp.torch;

namespace Crosshead.Training.Sharding;

/// <summary>
/// What gradients are sent from and received into, allocated once for all buckets of a type: memory that another stream
/// works on must not be given back meanwhile.
/// </summary>
internal sealed class WireBuffers : IDisposable
{
    private readonly Tensor _send, _receive;

    /// <summary>Makes the buffers.</summary>
    /// <param name="buckets">The buckets of one type.</param>
    /// <param name="rank">This rank.</param>
    /// <param name="ranks">Number of ranks.</param>
    public WireBuffers(IReadOnlyCollection<GradientBucket> buckets, int rank, int ranks)
    {
        var (type, device) = (buckets.First().WireType, buckets.First().Sums.device);
        _send = zeros(buckets.Max(b => b.LocalSums is null ? b.Plan.Length : 0), type, device).DetachFromDisposeScope();
        _receive = zeros(buckets.Max(b => b.Plan.Counts[rank]) * ranks, type, device).DetachFromDisposeScope();
    }

    /// <summary>The first elements of what is sent; a view.</summary>
    public Tensor Send(long count) => _send.narrow(0, 0, count);

    /// <summary>The first elements of what is received; a view.</summary>
    public Tensor Receive(long count) => _receive.narrow(0, 0, count);

    /// <inheritdoc/>
    public void Dispose()
    {
        _send.Dispose();
        _receive.Dispose();
    }
}
