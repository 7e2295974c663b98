using static TorchSharp.torch;

namespace Crosshead.Kernels.StepAttention;

/// <summary>
/// Memory of a device in which blocks leave what they found of a piece, for the last of them to join. All launches of a
/// decoder share it, one after the other. What was given out stays, because captured launches keep its address.
/// </summary>
internal sealed class PieceScratch(Device device) : IDisposable
{
    private readonly List<Tensor> _kept = [];

    /// <summary>Sums, largest scores and totals (float32).</summary>
    public Tensor? Sums { get; private set; }

    /// <summary>Items that are done, by piece, row and block (int32); all 0 between launches.</summary>
    public Tensor? Counters { get; private set; }

    /// <summary>Makes room.</summary>
    /// <param name="sums">Number of floats.</param>
    /// <param name="counters">Number of counters.</param>
    public void Reserve(long sums, long counters)
    {
        if (Sums is null || Sums.shape[0] < sums) Sums = Keep(empty([sums], ScalarType.Float32, device));
        if (Counters is null || Counters.shape[0] < counters)
            Counters = Keep(zeros([counters], ScalarType.Int32, device));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in _kept) tensor.Dispose();
        _kept.Clear();
        (Sums, Counters) = (null, null);
    }

    private Tensor Keep(Tensor tensor)
    {
        _kept.Add(tensor.DetachFromDisposeScope());
        return tensor;
    }
}
