using Crosshead.Checkpoints.Safetensors;
using Crosshead.Kernels.Common;
using Crosshead.Kernels.Optimizer;
using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;
using Crosshead.Training.Recipes;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Training.Sharding;

/// <summary>
/// Several ranks. Micro-batch i of a step is that of rank i mod N. After each round of N micro-batches the owner of
/// each element adds the gradients of all ranks to its sum, in the order of the ranks, which is the order of the
/// micro-batches. So every number of ranks computes the same bits.
/// </summary>
internal sealed class SeveralRanks : DataParallel
{
    private readonly LanguageModel _model;
    private readonly TensorExchange _exchange;
    private readonly GradientBucket[] _buckets;
    private readonly Dictionary<ScalarType, WireBuffers> _wires;
    private readonly StepMeasures _measures;
    private readonly ShardGather? _gather; // null where rank 0 has everything
    private readonly bool[] _seen;
    private readonly Action? _watcher;
    private readonly bool _ordered;
    private readonly int _microBatches, _rounds;
    private int _round, _sent; // rounds that are done, and buckets of the present one

    /// <summary>Shares out a model that has its starting weights.</summary>
    /// <param name="model">The model. Trained matrices are in the precision of the computation from now on.</param>
    /// <param name="groups">What is trained.</param>
    /// <param name="training">How.</param>
    /// <param name="communicator">The ranks; it must live longer.</param>
    /// <param name="leastBytes">Bytes of gradients that are worth an exchange of their own.</param>
    public SeveralRanks(LanguageModel model, IReadOnlyList<ParameterGroup> groups, TrainingOptions training,
        ICommunicator communicator, long leastBytes = ShardPlan.BucketBytes) : base(model.Device)
    {
        (_model, Communicator) = (model, communicator);
        var (rank, ranks) = (communicator.Rank, communicator.Ranks);
        _microBatches = training.GradientAccumulation;
        _ordered = training.Reduction == Reduction.Ordered;
        _rounds = _ordered ? (_microBatches + ranks - 1) / ranks : 1;
        var plan = ShardPlan.Of(groups, model.Parameters, GradientType, ranks, leastBytes);
        _seen = new bool[plan.Parameters];
        _exchange = TensorExchange.Of(communicator, model.Device);
        _buckets = [.. plan.Buckets.Select(b => new GradientBucket(b, rank, training.Shard, training.Reduction))];
        _wires = _buckets.GroupBy(b => b.WireType).ToDictionary(b => b.Key, b => new WireBuffers([.. b], rank, ranks));
        var whole = training.Shard == ShardStage.None;
        _measures = new StepMeasures(plan, _buckets, _microBatches, communicator, whole);
        if (training.Shard == ShardStage.Gradients && _ordered) _watcher = SendComplete;
        Slices = [.. groups.Select((g, i) => new SliceGroup(SlicesOf(i, whole), g.WeightDecay, g.RateFactor))];
        if (!whole) _gather = new ShardGather(_buckets, communicator, _exchange);
    }

    /// <inheritdoc/>
    internal override ICommunicator Communicator { get; }

    /// <inheritdoc/>
    internal override IReadOnlyList<SliceGroup> Slices { get; }

    /// <inheritdoc/>
    internal override int MicroBatches(int own) => _microBatches;

    /// <inheritdoc/>
    internal override Tensor AddGradients(Func<Tensor> loss)
    {
        GradientNode.Watch(_watcher);
        Tensor detached;
        try
        {
            detached = base.AddGradients(loss);
        }
        finally
        {
            GradientNode.Watch(null);
        }
        if (_ordered) EndRound();
        else
            foreach (var bucket in _buckets) bucket.TakeGradients(bucket.LocalSums!, _seen);
        return detached;
    }

    /// <inheritdoc/>
    internal override (Tensor Norm, Tensor Losses) Measure(Tensor losses, AdamW optimizer)
    {
        while (_round < _rounds) EndRound();
        _exchange.Wait();
        _round = 0;
        ShareSeen();
        foreach (var bucket in _buckets)
        {
            if (bucket.LocalSums is { } local) local.zero_();
            if (bucket.AllSums is { } all) _exchange.AllGather(bucket.Sums, all, bucket.Plan.Counts);
        }
        _exchange.Wait();
        return _measures.Gather(losses, optimizer, _exchange);
    }

    /// <inheritdoc/>
    internal override void ShareValues()
    {
        using var grad = no_grad();
        // The next forward pass begins meanwhile: what it needs first comes first, and each value is waited for when it
        // is read.
        foreach (var bucket in _buckets.Reverse())
        {
            if (bucket.Values is not { } values) continue;
            if (bucket.Plan.Type != bucket.Masters!.dtype) bucket.OwnValues!.copy_(bucket.Masters);
            _exchange.AllGather(bucket.OwnValues!, values, bucket.Plan.Counts);
            var wait = _exchange.WaitLater();
            foreach (var place in bucket.Plan.Parameters) place.Parameter.Awaited = wait;
        }
        Array.Clear(_seen);
    }

    /// <inheritdoc/>
    internal override T? Lead<T>(AdamW optimizer, Func<T> work) where T : class =>
        _gather is not null ? _gather.Lead(optimizer, work) : Communicator.Rank == 0 ? work() : null;

    /// <inheritdoc/>
    internal override IEnumerable<StoredTensor> Weights() =>
        _model.Parameters.Select(p => _gather?.Master(p) ?? new StoredTensor(p.Name, p.Value));

    /// <inheritdoc/>
    internal override IEnumerable<StoredTensor> Moments(AdamW optimizer) => _gather?.Moments()
        ?? optimizer.State.Select(m => new StoredTensor(m.Key, m.Value));

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach (var slice in Slices.SelectMany(g => g.Slices)) slice.Dispose();
        foreach (var bucket in _buckets) bucket.Dispose();
        foreach (var wire in _wires.Values) wire.Dispose();
        _measures.Dispose();
        _exchange.Dispose();
    }

    // Matrices are cast to the precision of the computation before they are used, and so are their gradients.
    private ScalarType GradientType(Parameter parameter) =>
        parameter is { Kind: ParameterKind.Matrix, ComputesInMaster: false }
        && Precision.BytesOf(_model.ComputeType) < Precision.BytesOf(parameter.Value.dtype)
            ? _model.ComputeType : parameter.Value.dtype;

    private IReadOnlyList<OptimizedSlice> SlicesOf(int group, bool whole) =>
    [
        .. _buckets.SelectMany(b => b.Plan.Parameters.Select(p => (Bucket: b, Place: p)))
            .Where(p => p.Place.Group == group).OrderBy(p => p.Place.Index)
            .Where(p => whole || p.Bucket.Plan.PartOf(p.Place, Communicator.Rank).Count > 0)
            .Select(p => whole ? new WholeSum(p.Bucket, p.Place, _seen)
                : (OptimizedSlice)new ParameterShard(p.Bucket, p.Place, Communicator.Rank, _seen)),
    ];

    // Called in the backward pass: sends what is complete. The order is the same on all ranks.
    private void SendComplete()
    {
        while (_sent < _buckets.Length && _buckets[_sent].IsComplete) Send(_buckets[_sent++]);
    }

    private void EndRound()
    {
        while (_sent < _buckets.Length) Send(_buckets[_sent++]);
        _sent = 0;
        _round++;
    }

    private void Send(GradientBucket bucket)
    {
        using var scope = NewDisposeScope();
        var (rank, ranks) = (Communicator.Rank, Communicator.Ranks);
        // In a last, uneven round only the first ranks have a micro-batch.
        var senders = _ordered ? Math.Min(ranks, _microBatches - (_round * ranks)) : ranks;
        var (wire, own, fresh) = (_wires[bucket.WireType], bucket.Plan.Counts[rank], _round == 0);
        long[] counts = rank < senders ? bucket.Plan.Counts : new long[ranks];
        var send = bucket.LocalSums ?? wire.Send(rank < senders ? bucket.Plan.Length : 0);
        var receive = wire.Receive(senders * own);
        _exchange.Wait(); // for the buffers
        if (rank < senders && bucket.LocalSums is null) bucket.TakeGradients(send, _seen);
        _exchange.AllToAll(send, counts, receive, [.. Enumerable.Range(0, ranks).Select(r => r < senders ? own : 0)]);
        var sums = bucket.Sums;
        if (sums.dtype == ScalarType.Float64) AddWide(receive, sums, fresh);
        else _exchange.Then(() => OrderedSum.Add(receive, sums, fresh));
    }

    private void AddWide(Tensor parts, Tensor sums, bool fresh)
    {
        _exchange.Wait();
        if (fresh) sums.zero_();
        if (sums.NumberOfElements == 0) return;
        foreach (var part in parts.view(-1, sums.NumberOfElements).unbind()) sums.add_(part);
    }

    // A parameter is stepped if any rank had a gradient for it: an expert need not get tokens on every rank.
    private void ShareSeen()
    {
        var all = Communicator.AllGather<bool>(_seen);
        for (var i = 0; i < all.Length; i++) _seen[i % _seen.Length] |= all[i];
    }
}
