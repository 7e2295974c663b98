using Crosshead.Checkpoints.Safetensors;
using Crosshead.Model;
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
    private readonly TensorExchange _exchange;
    private readonly GradientBucket[] _buckets; // in the order in which a backward pass completes them
    private readonly GradientExchange _gradients;
    private readonly StepMeasures _measures;
    private readonly RowGradients? _rows; // null where the embedding's gradient is that of all its rows
    private readonly PassingValues? _passing; // null where every rank keeps all values
    private readonly ShardGather? _gather; // null where rank 0 has everything
    private readonly bool[] _seen;
    private readonly bool _ordered, _sendsMeanwhile;
    private readonly int _microBatches;
    private bool _firstIsShared;
    private int _round, _sent; // rounds that are done, and buckets of the present one

    /// <summary>Shares out a model, before or after it gets its starting weights.</summary>
    /// <param name="model">The model. Trained matrices and embeddings are in the precision of the computation from now
    /// on.</param>
    /// <param name="groups">What is trained.</param>
    /// <param name="training">How.</param>
    /// <param name="communicator">The ranks; it must live longer.</param>
    /// <param name="leastBytes">Bytes of gradients that are worth an exchange of their own.</param>
    public SeveralRanks(LanguageModel model, IReadOnlyList<ParameterGroup> groups, TrainingOptions training,
        ICommunicator communicator, long leastBytes = ShardPlan.BucketBytes) : base(model)
    {
        Communicator = communicator;
        var (rank, ranks, shard) = (communicator.Rank, communicator.Ranks, training.Shard);
        _microBatches = training.GradientAccumulation;
        _ordered = training.Reduction == Reduction.Ordered;
        _sendsMeanwhile = _ordered && shard is ShardStage.Gradients or ShardStage.Parameters;
        var plan = ShardPlan.Of(groups, model.Parameters, model.ComputeType, ranks, leastBytes);
        _seen = new bool[plan.Parameters];
        _exchange = TensorExchange.Of(communicator, model.Device);
        BucketPlan[] passing = shard != ShardStage.Parameters ? []
            : [.. plan.Buckets.Reverse().Where(PassingValues.Takes)];
        if (passing.Length > 0) _passing = new PassingValues(passing, model.Device, _exchange);
        _buckets =
        [
            .. plan.Buckets.Select(b => new GradientBucket(b, rank, shard, training.Reduction,
                Array.IndexOf(passing, b) is >= 0 and var index ? _passing!.PlaceOf(index) : null)),
        ];
        _passing?.Serve([.. _buckets.Reverse().Where(b => PassingValues.Takes(b.Plan))]);
        var values = _buckets.Where(b => b.OwnValues is not null).Select(b => b.Values!);
        _exchange.Open([.. values.Concat(_passing?.Places ?? []).Where(v => v.NumberOfElements > 0)]);
        _gradients = new GradientExchange(_buckets, communicator, _exchange);
        _rows = RowGradients.Of(_buckets, training.Reduction, model.Options.TieEmbeddings, communicator, _exchange);
        var whole = shard == ShardStage.None;
        _measures = new StepMeasures(plan, _buckets, _microBatches, communicator, whole);
        Slices = [.. groups.Select((g, i) => new SliceGroup(SlicesOf(i, whole), g.WeightDecay, g.RateFactor))];
        if (!whole) _gather = new ShardGather(_buckets, communicator, _exchange);
        var complete = plan.CompleteBefore(model.Parameters, model.Options.Layers);
        if (_sendsMeanwhile || _passing is not null) model.BackwardReaches = layer => Reached(layer, complete[layer]);
    }

    /// <inheritdoc/>
    public override ExchangeTimes TakeExchangeTimes() => _exchange.TakeTimes();

    /// <inheritdoc/>
    internal override ICommunicator Communicator { get; }

    /// <inheritdoc/>
    internal override IReadOnlyList<SliceGroup> Slices { get; }

    /// <inheritdoc/>
    internal override int MicroBatches(int own) => _microBatches;

    /// <inheritdoc/>
    internal override int Passes(int own, int all) =>
        _passing is null ? own : (all + Communicator.Ranks - 1) / Communicator.Ranks;

    /// <inheritdoc/>
    internal override Tensor AddGradients(Func<Tensor> loss)
    {
        _passing?.BeginForward();
        var measured = base.AddGradients(loss);
        EndRound();
        return measured;
    }

    /// <inheritdoc/>
    internal override (Tensor Norm, Tensor Measured) Measure(Tensor measured, AdamW optimizer)
    {
        while (_round < Rounds) EndRound(); // of a rank without a micro-batch in the last round
        _round = 0;
        if (!_ordered)
        {
            foreach (var bucket in _buckets) _gradients.Send(bucket, [], Communicator.Ranks, fresh: true);
        }
        _gradients.Release();
        ShareSeen();
        foreach (var bucket in _buckets)
        {
            if (bucket.LocalSums is { } local) local.zero_();
            if (bucket.IsWhole) _exchange.AllGather(bucket.Sums, bucket.AllSums, bucket.Plan.Counts);
        }
        _exchange.Wait();
        return _measures.Gather(measured, optimizer, _exchange);
    }

    /// <inheritdoc/>
    internal override void HasStepped(SliceGroup group)
    {
        // The next forward pass begins with these, so they are on their way while other groups are stepped.
        var first = _buckets[^1];
        var index = first.Plan.Parameters[0].Group;
        if (group != Slices[index] || first.Plan.Parameters.Any(p => p.Group != index)
            || (_passing is not null && !PassingValues.Takes(first.Plan))) return;
        Share(first);
        _firstIsShared = true;
    }

    /// <inheritdoc/>
    internal override void ShareValues()
    {
        // The next forward pass begins meanwhile: what it needs first comes first, and each value is waited for when it
        // is read.
        foreach (var bucket in _firstIsShared ? _buckets[..^1].Reverse() : _buckets.Reverse()) Share(bucket);
        _firstIsShared = false;
        foreach (var bucket in _buckets) bucket.ReleaseSums();
        Array.Clear(_seen);
    }

    /// <inheritdoc/>
    internal override T? Lead<T>(AdamW optimizer, Func<T> work) where T : class =>
        _gather is not null ? _gather.Lead(optimizer, work) : Communicator.Rank == 0 ? work() : null;

    /// <inheritdoc/>
    internal override IEnumerable<StoredTensor> Weights() =>
        Model.Parameters.Select(p => _gather?.Master(p) ?? new StoredTensor(p.Name, p.Value));

    /// <inheritdoc/>
    internal override IEnumerable<StoredTensor> Moments(AdamW optimizer) => _gather?.Moments()
        ?? optimizer.State.Select(m => new StoredTensor(m.Key, m.Value));

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        Model.BackwardReaches = null;
        foreach (var slice in Slices.SelectMany(g => g.Slices)) slice.Dispose();
        foreach (var bucket in _buckets) bucket.Dispose();
        _gradients.Dispose();
        _rows?.Dispose();
        _passing?.Dispose();
        _measures.Dispose();
        _exchange.Dispose();
    }

    // Of a step: each rank has a micro-batch in all of them, or in all but the last.
    private int Rounds => (_microBatches + Communicator.Ranks - 1) / Communicator.Ranks;

    private IReadOnlyList<OptimizedSlice> SlicesOf(int group, bool whole) =>
    [
        .. _buckets.SelectMany(b => b.Plan.Parameters.Select(p => (Bucket: b, Place: p)))
            .Where(p => p.Place.Group == group).OrderBy(p => p.Place.Index)
            .Where(p => whole || p.Bucket.Plan.PartOf(p.Place, Communicator.Rank).Count > 0)
            .Select(p => whole ? new WholeSum(p.Bucket, p.Place, _seen)
                : (OptimizedSlice)new ParameterShard(p.Bucket, p.Place, Communicator.Rank, _seen)),
    ];

    private void Share(GradientBucket bucket)
    {
        using var grad = no_grad();
        if (bucket == _buckets[^1]) _passing?.Renew();
        if (bucket.OwnValues is not { } own) return;
        _exchange.AllGather(own, bucket.Values!, bucket.Plan.Counts);
        var wait = _exchange.WaitLater();
        foreach (var place in bucket.Plan.Parameters) place.Parameter.Awaited = wait;
    }

    // In the backward pass, before it comes to a layer. The first buckets are complete. Whatever gradients there are,
    // all ranks exchange the same in the same order.
    private void Reached(int layer, int complete)
    {
        if (_sendsMeanwhile) SendUpTo(complete);
        _passing?.BackwardReaches(layer);
    }

    private void EndRound()
    {
        SendUpTo(_buckets.Length);
        _sent = 0;
        _round++;
    }

    private void SendUpTo(int end)
    {
        // In a last, uneven round only the first ranks have a micro-batch.
        var senders = Math.Min(Communicator.Ranks, _microBatches - (_round * Communicator.Ranks));
        for (; _sent < end; _sent++)
        {
            var bucket = _buckets[_sent];
            if (_rows is { AreExchanged: true } rows && rows.Bucket == bucket)
            {
                _seen[bucket.Plan.Parameters[0].Index] = true;
                rows.Send(senders, fresh: _round == 0);
                continue;
            }
            var gradients = bucket.TakeGradients();
            if (Communicator.Rank < senders)
            {
                foreach (var (place, gradient) in bucket.Plan.Parameters.Zip(gradients))
                    _seen[place.Index] |= gradient is not null;
                if (!_ordered) bucket.AddLocally(gradients);
            }
            if (!_ordered)
            {
                foreach (var gradient in gradients) gradient?.Dispose();
                continue;
            }
            _gradients.Send(bucket, gradients, senders, fresh: _round == 0);
            if (_round == Rounds - 1) _measures.Square(bucket, _exchange);
        }
    }

    // A parameter is stepped if any rank had a gradient for it: an expert need not get tokens on every rank.
    private void ShareSeen()
    {
        var all = Communicator.AllGather<bool>(_seen);
        for (var i = 0; i < all.Length; i++) _seen[i % _seen.Length] |= all[i];
    }
}
