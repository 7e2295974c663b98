using System.Diagnostics;
using Crosshead.Kernels.Common;
using Crosshead.Training.Recipes;
using static TorchSharp.torch;

namespace Crosshead.Training.Sharding;

/// <summary>
/// The memory of a bucket on a rank: the values of all its parameters, the masters of the rank's run, and the sums of
/// their gradients. Gaps between parameters are 0.
/// </summary>
internal sealed class GradientBucket : IDisposable
{
    private readonly int _rank;
    private readonly Tensor? _allSums; // [all], where nothing is shared out

    /// <summary>Moves the parameters into the bucket.</summary>
    /// <param name="plan">What lies where.</param>
    /// <param name="rank">This rank.</param>
    /// <param name="shard">What is shared out.</param>
    /// <param name="reduction">Whether this rank first adds up its own gradients.</param>
    public GradientBucket(BucketPlan plan, int rank, ShardStage shard, Reduction reduction)
    {
        (Plan, _rank) = (plan, rank);
        var example = plan.Parameters[0].Parameter.Value;
        var (master, device) = (example.dtype, example.device);
        using var grad = no_grad();
        Tensor New(long count, ScalarType type) => zeros(count, type, device).DetachFromDisposeScope();
        if (reduction == Reduction.Fast) LocalSums = New(plan.Length, master);
        BlockStarts = tensor(Starts(plan, rank), device: device).DetachFromDisposeScope();
        if (shard == ShardStage.None)
        {
            _allSums = New(plan.Length, master);
            Sums = Run(_allSums);
            return;
        }
        Sums = New(plan.Counts[rank], master);
        Values = New(plan.Length, plan.Type);
        OwnValues = Run(Values);
        Masters = plan.Type == master ? OwnValues.alias().DetachFromDisposeScope() : New(plan.Counts[rank], master);
        foreach (var place in plan.Parameters) MoveIn(place);
    }

    /// <summary>What lies where.</summary>
    public BucketPlan Plan { get; }

    /// <summary>The type in which gradients travel.</summary>
    public ScalarType WireType => LocalSums?.dtype ?? Plan.Type;

    /// <summary>[run]: the sums of gradients.</summary>
    public Tensor Sums { get; }

    /// <summary>[blocks of the run + 1] int64: where blocks begin in the run, and its end.</summary>
    public Tensor BlockStarts { get; }

    /// <summary>[all]: sums of this rank's own gradients; null where each micro-batch is exchanged.</summary>
    public Tensor? LocalSums { get; }

    /// <summary>[all]: the values that the model computes with; null where parameters have their own memory.</summary>
    public Tensor? Values { get; }

    /// <summary>[run]: this rank's part of <see cref="Values"/>.</summary>
    public Tensor? OwnValues { get; }

    /// <summary>[run]: the master values; the same memory as <see cref="OwnValues"/> if they have one type.</summary>
    public Tensor? Masters { get; }

    /// <summary>[all]: the sums of all runs, where nothing is shared out.</summary>
    public Tensor? AllSums => _allSums;

    /// <summary>Whether all parameters have their gradients.</summary>
    public bool IsComplete
    {
        get
        {
            foreach (var place in Plan.Parameters)
            {
                using var gradient = place.Parameter.Value.grad;
                if (gradient is null) return false;
            }
            return true;
        }
    }

    /// <summary>A parameter's part of a tensor that belongs to this rank's run [n]; a view.</summary>
    public Tensor OwnPart(Tensor run, Placement place)
    {
        var (start, count) = Plan.PartOf(place, _rank);
        return run.narrow(0, count == 0 ? 0 : place.Start + start - Plan.Bounds[_rank], count);
    }

    /// <summary>Takes the parameters' gradients, which are gone then.</summary>
    /// <param name="target">[all] of <see cref="WireType"/>; written, or added to if it is the local sums.</param>
    /// <param name="seen">Set for each parameter that has a gradient.</param>
    public void TakeGradients(Tensor target, bool[] seen)
    {
        using var grad = no_grad();
        var adds = ReferenceEquals(target, LocalSums);
        for (var i = 0; i < Plan.Parameters.Count; i++)
        {
            using var scope = NewDisposeScope();
            var place = Plan.Parameters[i];
            var part = target.narrow(0, place.Start, place.Count);
            if (place.Parameter.Value.grad is { } gradient)
            {
                CheckType(place, gradient);
                if (adds) part.add_(gradient.flatten());
                else part.copy_(gradient.flatten());
                seen[place.Index] = true;
                place.Parameter.Value.grad = null;
            }
            else if (!adds) part.zero_();
            var next = i + 1 < Plan.Parameters.Count ? Plan.Parameters[i + 1].Start : Plan.Length;
            if (!adds && next > place.End) target.narrow(0, place.End, next - place.End).zero_();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in new[] { Sums, BlockStarts, LocalSums, Values, OwnValues, Masters, _allSums })
            tensor?.Dispose();
    }

    private void MoveIn(Placement place)
    {
        using var scope = NewDisposeScope();
        var whole = place.Parameter.Value.detach();
        var view = Values!.narrow(0, place.Start, place.Count).view(whole.shape).detach();
        view.copy_(whole);
        var (start, count) = Plan.PartOf(place, _rank);
        if (count > 0 && Plan.Type != whole.dtype)
            OwnPart(Masters!, place).copy_(whole.flatten().narrow(0, start, count));
        place.Parameter.ReplaceWithView(view.requires_grad_(true));
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
        if (!gradient.to(Plan.Type).to(gradient.dtype).equal(gradient).all().item<bool>())
            throw new InvalidOperationException($"the gradient of {place.Parameter.Name} is not of {Plan.Type}.");
    }
}
