using Crosshead.Kernels.Optimizer;
using Crosshead.Layers;
using Crosshead.Runtime.Distributed;
using Crosshead.Training.Recipes;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Training.Sharding;

/// <summary>
/// The gradient of an embedding as that of the rows that tokens looked up. A micro-batch has far fewer tokens than a
/// large table has rows, so every rank gets the rows of all, in place of its part of all tables.
/// </summary>
internal sealed class RowGradients : IDisposable
{
    private readonly ICommunicator _communicator;
    private readonly TensorExchange _exchange;
    private readonly Placement _place;
    private Tensor? _rows, _tokens; // of the present micro-batch
    private long _count; // tokens of a micro-batch, once one has been seen

    private RowGradients(GradientBucket bucket, ICommunicator communicator, TensorExchange exchange)
    {
        (Bucket, _communicator, _exchange) = (bucket, communicator, exchange);
        _place = bucket.Plan.Parameters[0];
        _place.Parameter.RowsAreTaken = Asked;
    }

    /// <summary>The embedding's bucket, which has no other parameter.</summary>
    public GradientBucket Bucket { get; }

    /// <summary>Whether micro-batches are so small that rows are exchanged.</summary>
    public bool AreExchanged => _count > 0;

    /// <summary>The rows of a model's embedding; null where its gradient is that of the whole table.</summary>
    /// <param name="buckets">All buckets.</param>
    /// <param name="reduction">How gradients are added up.</param>
    /// <param name="tied">Whether the embedding is the head too, which has gradients in all rows.</param>
    /// <param name="communicator">The ranks.</param>
    /// <param name="exchange">Exchanges tensors between them.</param>
    public static RowGradients? Of(IEnumerable<GradientBucket> buckets, Reduction reduction, bool tied,
        ICommunicator communicator, TensorExchange exchange)
    {
        var bucket = buckets.MinBy(b => b.Plan.Parameters.Min(p => p.Position))!;
        var place = bucket.Plan.Parameters[0];
        return !tied && reduction == Reduction.Ordered && bucket.Plan.Parameters.Count == 1 && place.Position == 0
            && place.Parameter.Kind == ParameterKind.Embedding && bucket.Device.type == DeviceType.CUDA
            && bucket.Plan.Types is { Value: ScalarType.BFloat16, Gradient: ScalarType.Float32 } && !bucket.IsWhole
            ? new RowGradients(bucket, communicator, exchange) : null;
    }

    /// <summary>Exchanges the rows of a round, and adds up what is this rank's.</summary>
    /// <param name="senders">So many ranks, the first ones, have rows that count.</param>
    /// <param name="fresh">Whether the sums begin with these.</param>
    public void Send(int senders, bool fresh)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        var (sends, width) = (_communicator.Rank < senders, _place.Parameter.Shape[1]);
        var tokens = sends ? _tokens! : empty(0, ScalarType.Int64, Bucket.Device);
        var rows = sends ? _rows! : empty([0, width], Bucket.Plan.Types.Value, Bucket.Device);
        var counts = new long[_communicator.Ranks];
        Array.Fill(counts, _count, 0, senders);
        var allTokens = empty(senders * _count, ScalarType.Int64, Bucket.Device);
        var allRows = empty([senders * _count, width], rows.dtype, Bucket.Device);
        _exchange.AllGather(tokens, allTokens, counts);
        for (var rank = 0; rank < counts.Length; rank++) counts[rank] *= width;
        _exchange.AllGather(rows, allRows, counts);
        _exchange.Wait();
        RowSums.Add(allRows, allTokens, _count, Bucket.Sums,
            Bucket.Plan.PartOf(_place, _communicator.Rank).Start, fresh);
        Release();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _place.Parameter.RowsAreTaken = null;
        Release();
    }

    private void Release()
    {
        _rows?.Dispose();
        _tokens?.Dispose();
        (_rows, _tokens) = (null, null);
    }

    // When rows are looked up for a gradient: what takes it, if that is worth while. Micro-batches have one size.
    private Action<Tensor>? Asked(Tensor tokens)
    {
        var count = tokens.NumberOfElements;
        _count = count * _communicator.Ranks <= 2 * _place.Parameter.Shape[0] ? count : 0;
        if (_count == 0) return null;
        _tokens?.Dispose();
        _tokens = tokens.flatten().alias().DetachFromDisposeScope();
        return gradient =>
        {
            _rows?.Dispose();
            _rows = gradient.reshape(-1, gradient.shape[^1]).contiguous().alias().DetachFromDisposeScope();
        };
    }
}
