using System.Diagnostics;
using Crosshead.Kernels.Common;
using Crosshead.Training.Recipes;
using static TorchSharp.torch;

namespace Crosshead.Training.Sharding;

/// <summary>
/// The memory of a bucket on a rank: the values of its parameters, the masters of the rank's run, and the sums of their
/// gradients. Gaps between parameters are 0.
/// </summary>
internal sealed class GradientBucket : IDisposable
{
    private readonly int _rank;
    private Tensor? _sums, _allSums;

    /// <summary>Moves the parameters into the bucket.</summary>
    /// <param name="plan">What lies where.</param>
    /// <param name="rank">This rank.</param>
    /// <param name="shard">What is shared out.</param>
    /// <param name="reduction">Whether this rank first adds up its own gradients.</param>
    /// <param name="slot">[all or more]: where all values come to lie while they are needed; null if they stay.</param>
    public GradientBucket(BucketPlan plan, int rank, ShardStage shard, Reduction reduction, Tensor? slot = null)
    {
        (Plan, _rank, Device, IsWhole) = (plan, rank, plan.Parameters[0].Parameter.Device, shard == ShardStage.None);
        var (types, device) = (plan.Types, Device);
        using var grad = no_grad();
        Tensor New(long count, ScalarType type) => zeros(count, type, device).DetachFromDisposeScope();
        if (reduction == Reduction.Fast) LocalSums = New(plan.Length, types.Master);
        BlockStarts = tensor(Starts(plan, rank), device: device).DetachFromDisposeScope();
        if (IsWhole) return;
        var own = plan.Counts[rank];
        Values = slot?.narrow(0, 0, plan.Length).DetachFromDisposeScope() ?? New(plan.Length, types.Value);
        if (slot is null) OwnValues = Run(Values);
        Masters = OwnValues is not null && types.Value == types.Master ? OwnValues.alias().DetachFromDisposeScope()
            : New(own, types.Master);
        foreach (var place in plan.Parameters)
        {
            using var scope = NewDisposeScope();
            var shape = place.Parameter.Shape.ToArray();
            place.Parameter.MoveInto(Values.narrow(0, place.Start, place.Count).view(shape), types.Gradient,
                (rows, first) => Write(place, rows, first, slot is not null));
        }
    }

    /// <summary>What lies where.</summary>
    public BucketPlan Plan { get; }

    /// <summary>Where its tensors are.</summary>
    public Device Device { get; }

    /// <summary>Whether every rank has all sums in the end.</summary>
    public bool IsWhole { get; }

    /// <summary>The type in which gradients travel.</summary>
    public ScalarType WireType => LocalSums?.dtype ?? Plan.Types.Gradient;

    /// <summary>
    /// [run]: the sums of gradients; not set until gradients are sent. They take their memory while the backward pass
    /// gives back that of the activations.
    /// </summary>
    public Tensor Sums => _sums ??= IsWhole ? Run(AllSums) : NewSums(Plan.Counts[_rank]);

    /// <summary>[all]: the sums of all runs, where every rank has them.</summary>
    public Tensor AllSums => _allSums ??= NewSums(Plan.Length);

    /// <summary>[blocks of the run + 1] int64: where blocks begin in the run, and its end.</summary>
    public Tensor BlockStarts { get; }

    /// <summary>[all]: sums of this rank's own gradients; null where each micro-batch is exchanged.</summary>
    public Tensor? LocalSums { get; }

    /// <summary>[all]: the values that the model computes with; null where parameters have their own memory.</summary>
    public Tensor? Values { get; }

    /// <summary>[run]: this rank's part of <see cref="Values"/>; null where these come and go, or there are
    /// none.</summary>
    public Tensor? OwnValues { get; }

    /// <summary>[run]: the master values; the same memory as <see cref="OwnValues"/> if they have one type.</summary>
    public Tensor? Masters { get; }

    /// <summary>A parameter's part of a tensor that belongs to this rank's run [n]; a view.</summary>
    public Tensor OwnPart(Tensor run, Placement place)
    {
        var (start, count) = Plan.PartOf(place, _rank);
        return run.narrow(0, count == 0 ? 0 : place.Start + start - Plan.Bounds[_rank], count);
    }

    /// <summary>Takes the parameters' gradients, which the parameters have no more then.</summary>
    /// <returns>[n] for each parameter, in order, for the caller to dispose; null where there is none.</returns>
    public Tensor?[] TakeGradients()
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        return
        [
            .. Plan.Parameters.Select(place =>
            {
                if (place.Parameter.Gradient is not { } gradient) return null;
                CheckType(place, gradient);
                place.Parameter.Gradient = null;
                return gradient.flatten().DetachFromDisposeScope();
            }),
        ];
    }

    /// <summary>Adds gradients to <see cref="LocalSums"/>.</summary>
    public void AddLocally(IReadOnlyList<Tensor?> gradients)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (place, gradient) in Plan.Parameters.Zip(gradients))
            if (gradient is not null) LocalSums!.narrow(0, place.Start, place.Count).add_(gradient);
    }

    /// <summary>Gives back the memory of the sums, until gradients are sent again. The CPU keeps it, since there
    /// memory that is taken anew is slow at first.</summary>
    public void ReleaseSums()
    {
        if (Device.type == TorchSharp.DeviceType.CPU) return;
        _sums?.Dispose();
        _allSums?.Dispose();
        (_sums, _allSums) = (null, null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in new[] { _sums, _allSums, BlockStarts, LocalSums, Values, OwnValues, Masters })
            tensor?.Dispose();
    }

    private Tensor NewSums(long count) => empty(count, Plan.Types.Master, Device).DetachFromDisposeScope();

    // Elements of a parameter, from a row on: all ranks keep them in the precision of the computation, unless values
    // come and go, and the owner keeps the master.
    private void Write(Placement place, Tensor rows, long first, bool passing)
    {
        var master = rows.detach().to(Plan.Types.Master, Device).flatten();
        var begin = first * (place.Count / Math.Max(1, place.Parameter.Shape[0]));
        if (!passing) Values!.narrow(0, place.Start + begin, master.NumberOfElements).copy_(master);
        var (start, count) = Plan.PartOf(place, _rank);
        var (from, to) = (Math.Max(begin, start), Math.Min(begin + master.NumberOfElements, start + count));
        if (from >= to) return;
        var own = master.narrow(0, from - begin, to - from);
        OwnPart(Masters!, place).narrow(0, from - start, to - from).copy_(own);
    }

    private Tensor Run(Tensor all) =>
        all.narrow(0, Plan.Bounds[_rank], Plan.Counts[_rank]).DetachFromDisposeScope();

    private static long[] Starts(BucketPlan plan, int rank) =>
    [
        .. plan.Parameters.SelectMany(place => plan.BlocksOf(place, rank).Select(b =>
            place.Start + (b * (long)TensorBlock.Length) - plan.Bounds[rank])),
        plan.Counts[rank],
    ];

    [Conditional("DEBUG")]
    private void CheckType(Placement place, Tensor gradient)
    {
        if (!gradient.to(Plan.Types.Gradient).to(gradient.dtype).equal(gradient).all().item<bool>())
            throw new InvalidOperationException(
                $"the gradient of {place.Parameter.Name} is not of {Plan.Types.Gradient}.");
    }
}
