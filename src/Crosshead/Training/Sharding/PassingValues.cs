using Crosshead.Layers;
using Crosshead.Runtime.Distributed;
using static TorchSharp.torch;

namespace Crosshead.Training.Sharding;

/// <summary>
/// The values of parameters that no rank keeps whole. A bucket is gathered when one of its values is read, and the next
/// one is gathered meanwhile, into a place that the bucket before does not need any more. Layers have two places in
/// turn; embedding and head have one.
/// </summary>
/// <remarks>
/// A bucket always lies at the same place. So what autograd has saved for the backward pass is right again when the
/// bucket is gathered again. All ranks read in the same order, and so exchange in the same order.
/// </remarks>
internal sealed class PassingValues : IDisposable
{
    private const int LayerPlaces = 2;

    private readonly TensorExchange _exchange;
    private readonly Tensor[] _places;
    private readonly Tensor _own; // [longest run]: this rank's part of what is gathered, rounded
    private readonly int[] _placeOf; // of each bucket, in the order of the forward pass
    private readonly int?[] _held; // the bucket at each place
    private readonly Action[] _arrived;
    private GradientBucket[] _buckets = [];
    private bool _backward;

    /// <summary>Makes the places.</summary>
    /// <param name="plans">The buckets, in the order of the forward pass; at least one.</param>
    /// <param name="device">Where they are.</param>
    /// <param name="exchange">Exchanges tensors between ranks.</param>
    public PassingValues(IReadOnlyList<BucketPlan> plans, Device device, TensorExchange exchange)
    {
        _exchange = exchange;
        _placeOf = new int[plans.Count];
        for (int i = 0, layers = 0; i < plans.Count; i++)
            _placeOf[i] = plans[i].Layers is null ? LayerPlaces : layers++ % LayerPlaces;
        _places = [.. Enumerable.Range(0, LayerPlaces + 1).Select(place =>
            zeros(plans.Where((_, i) => _placeOf[i] == place).Select(p => p.Length).DefaultIfEmpty().Max(),
                plans[0].Types.Value, device).DetachFromDisposeScope())];
        _own = zeros(plans.Max(p => p.Counts.Max()), plans[0].Types.Value, device).DetachFromDisposeScope();
        (_held, _arrived) = (new int?[_places.Length], new Action[plans.Count]);
    }

    /// <summary>Whether the values of a bucket pass: all but norms, mixes and the like, which are small.</summary>
    public static bool Takes(BucketPlan plan) =>
        plan.Parameters.Any(p => p.Parameter.Kind is ParameterKind.Matrix or ParameterKind.Embedding
            && !p.Parameter.ComputesInMaster);

    /// <summary>All places.</summary>
    public IReadOnlyList<Tensor> Places => _places;

    /// <summary>The place of a bucket, by its index.</summary>
    public Tensor PlaceOf(int bucket) => _places[_placeOf[bucket]];

    /// <summary>Begins, when the buckets have their places.</summary>
    public void Serve(GradientBucket[] buckets)
    {
        _buckets = buckets;
        for (var i = 0; i < buckets.Length; i++) Leave(i);
    }

    /// <summary>Tells that values have changed, and gathers the first ones.</summary>
    public void Renew()
    {
        BeginForward();
        for (var place = 0; place < _held.Length; place++)
        {
            if (_held[place] is { } bucket) Leave(bucket);
            _held[place] = null;
        }
        Load(0);
    }

    /// <summary>Tells that a forward pass begins: what is read next comes after what is read now.</summary>
    public void BeginForward() => _backward = false;

    /// <summary>Makes a layer's values ready, and gathers those of the layer before it.</summary>
    public void BackwardReaches(int layer)
    {
        _backward = true;
        var bucket = Array.FindIndex(_buckets, b => b.Plan.Layers is { } layers && layers.First <= layer
            && layer <= layers.Last);
        if (bucket >= 0) Reach(bucket);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var place in _places) place.Dispose();
        _own.Dispose();
    }

    private void Reach(int bucket)
    {
        Load(bucket);
        _arrived[bucket]();
        var next = bucket + (_backward ? -1 : 1);
        // The backward pass needs neither embedding nor head.
        if (next >= 0 && next < _buckets.Length && (!_backward || _buckets[next].Plan.Layers is not null)) Load(next);
    }

    private void Load(int bucket)
    {
        ref var held = ref _held[_placeOf[bucket]];
        if (held == bucket) return;
        if (held is { } before) Leave(before);
        held = bucket;
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var (plan, masters, all) = (_buckets[bucket].Plan, _buckets[bucket].Masters!, _buckets[bucket].Values!);
        var rounded = _own.narrow(0, 0, masters.NumberOfElements);
        if (masters.dtype != rounded.dtype) _exchange.Then(() => rounded.copy_(masters));
        _exchange.AllGather(masters.dtype == rounded.dtype ? masters : rounded, all, plan.Counts);
        _arrived[bucket] = _exchange.WaitLater();
    }

    // The next who reads one of its values gathers them.
    private void Leave(int bucket)
    {
        foreach (var place in _buckets[bucket].Plan.Parameters) place.Parameter.Awaited = () => Reach(bucket);
    }
}
