using Crosshead.Checkpoints.Safetensors;
using Crosshead.Kernels.Common;
using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Runtime.Distributed;
using Crosshead.Training.Recipes;
using static TorchSharp.torch;

namespace Crosshead.Training.Steps;

/// <summary>
/// The ranks that train one model, each on its own micro-batches: what they exchange in a step and for a checkpoint.
/// Every rank must make the same calls in the same order.
/// </summary>
public abstract class DataParallel : IDisposable
{
    private readonly Parameter[] _witnesses;

    private protected DataParallel(LanguageModel model)
    {
        Model = model;
        _witnesses = [.. model.Parameters.Where(p =>
            p.Kind is ParameterKind.Norm or ParameterKind.Mix or ParameterKind.Bias)];
    }

    /// <summary>
    /// How long this rank's exchanges of tensors took since the last call; all work of the device must be done. The
    /// first call begins to measure.
    /// </summary>
    public virtual ExchangeTimes TakeExchangeTimes() => default;

    /// <summary>What is trained.</summary>
    internal LanguageModel Model { get; }

    /// <summary>The ranks.</summary>
    internal abstract ICommunicator Communicator { get; }

    /// <summary>The optimizer of this rank, with moments of zero.</summary>
    /// <param name="training">Its numbers.</param>
    public AdamW NewOptimizer(TrainingOptions training) =>
        new(Slices, Model.Device, training.Beta1, training.Beta2, training.Epsilon, training.Moments);

    /// <summary>What this rank's optimizer steps.</summary>
    internal abstract IReadOnlyList<SliceGroup> Slices { get; }

    /// <summary>Micro-batches of the step on all ranks.</summary>
    /// <param name="own">Micro-batches of the step on this rank.</param>
    internal abstract int MicroBatches(int own);

    /// <summary>
    /// How many micro-batches this rank computes. It may be one more than it has, whose results count for nothing:
    /// ranks that gather weights from each other must all need them.
    /// </summary>
    /// <param name="own">Micro-batches of this rank.</param>
    /// <param name="all">Micro-batches of all ranks.</param>
    internal virtual int Passes(int own, int all) => own;

    /// <summary>Adds the gradients of a micro-batch of this rank.</summary>
    /// <param name="loss">Computes its loss.</param>
    /// <returns>[2] float64 on the device: the loss, and a number that is finite if the gradients are. What is not
    /// finite anywhere in the backward pass reaches the first small parameter, so only that is looked at.</returns>
    internal virtual Tensor AddGradients(Func<Tensor> loss)
    {
        var scalar = GradientNode.UsedOnce(loss);
        scalar.backward();
        GradientNode.RethrowFailure(); // what went wrong in a kernel's backward pass, for lack of memory say
        using var grad = no_grad();
        var witness = _witnesses.Select(p => p.Gradient).FirstOrDefault(g => g is not null);
        var value = scalar.detach().to(ScalarType.Float64);
        return stack([value, witness?.sum(type: ScalarType.Float64) ?? zeros_like(value)]);
    }

    /// <summary>Finishes the sums of gradients.</summary>
    /// <param name="measured">[own, 2]: what <see cref="AddGradients"/> returned for this rank's micro-batches.</param>
    /// <param name="optimizer">The optimizer of this rank.</param>
    /// <returns>The norm of all gradients together, a float64 scalar, and what was measured of all micro-batches, in
    /// their order [all, 2]; on the device, the same on all ranks.</returns>
    internal abstract (Tensor Norm, Tensor Measured) Measure(Tensor measured, AdamW optimizer);

    /// <summary>Hears that the optimizer has stepped a group of <see cref="Slices"/>.</summary>
    internal virtual void HasStepped(SliceGroup group)
    {
    }

    /// <summary>Gives all ranks the values that each has stepped.</summary>
    internal abstract void ShareValues();

    /// <summary>
    /// Does work on rank 0, with <see cref="Weights"/> and <see cref="Moments"/>. Meanwhile the other ranks give it
    /// their parts.
    /// </summary>
    /// <param name="optimizer">The optimizer of this rank.</param>
    /// <param name="work">The work.</param>
    /// <returns>What the work returns; null on the other ranks.</returns>
    internal abstract T? Lead<T>(AdamW optimizer, Func<T> work) where T : class;

    /// <summary>The master weights, for rank 0 within <see cref="Lead"/>.</summary>
    internal abstract IEnumerable<StoredTensor> Weights();

    /// <summary>AdamW's moments, for rank 0 within <see cref="Lead"/>.</summary>
    /// <param name="optimizer">The optimizer of this rank.</param>
    internal abstract IEnumerable<StoredTensor> Moments(AdamW optimizer);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what the ranks exchange through.</summary>
    /// <param name="disposing">Always true.</param>
    protected abstract void Dispose(bool disposing);
}
