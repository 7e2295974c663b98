using Crosshead.Checkpoints;
using Crosshead.Decoding.TensorParallel;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.TextModels;

/// <summary>Models that GPUs of this machine share out.</summary>
public static class SharedModels
{
    /// <summary>Loads a model. Each GPU reads its part of the weights.</summary>
    /// <param name="source">The source of the model.</param>
    /// <param name="ranks">Number of GPUs.</param>
    /// <param name="type">Precision of weights and computation.</param>
    /// <param name="device">Device of the first GPU; the others follow it.</param>
    /// <exception cref="CrossheadException">The model or the GPUs are not for that, or the weights are
    /// damaged.</exception>
    public static TensorParallelModel Load(ModelSource source, int ranks, ScalarType type, Device device)
    {
        ArgumentNullException.ThrowIfNull(source);
        TensorParallelModel.Check(source.Options, ranks, device, type);
        return TensorParallelModel.Of(source.Options, ranks, device,
            (part, own) => ModelDirectory.LoadFrozen(source.Description, type, own, part));
    }

    /// <summary>Makes a model with random weights, as <see cref="DrawnModel"/> does.</summary>
    /// <param name="shape">Its shape.</param>
    /// <param name="weights">The types of the weights; null for tensors.</param>
    /// <param name="ranks">Number of GPUs.</param>
    /// <param name="type">Precision of weights and computation.</param>
    /// <param name="device">Device of the first GPU; the others follow it.</param>
    /// <exception cref="CrossheadException">The model or the GPUs are not for that.</exception>
    public static TensorParallelModel Draw(ModelOptions shape, DrawnWeights? weights, int ranks, ScalarType type,
        Device device)
    {
        TensorParallelModel.Check(shape, ranks, device, type);
        cuda.manual_seed_all(1); // all GPUs draw the same numbers for what all have
        return TensorParallelModel.Of(shape, ranks, device, (part, own) => DrawnModel.Of(part, weights, type, own));
    }
}
