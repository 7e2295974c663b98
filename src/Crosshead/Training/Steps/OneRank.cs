using Crosshead.Checkpoints.Safetensors;
using Crosshead.Model;
using Crosshead.Runtime.Distributed;
using static TorchSharp.torch;

namespace Crosshead.Training.Steps;

/// <summary>A run of one rank, which has nothing to exchange.</summary>
internal sealed class OneRank(LanguageModel model, IReadOnlyList<ParameterGroup> groups)
    : DataParallel(model)
{
    /// <inheritdoc/>
    internal override ICommunicator Communicator => Alone.Instance;

    /// <inheritdoc/>
    internal override IReadOnlyList<SliceGroup> Slices { get; } = [.. groups.Select(SliceGroup.Whole)];

    /// <inheritdoc/>
    internal override int MicroBatches(int own) => own;

    /// <inheritdoc/>
    internal override (Tensor Norm, Tensor Measured) Measure(Tensor measured, AdamW optimizer) =>
        (optimizer.GradientNorm(), measured);

    /// <inheritdoc/>
    internal override void ShareValues()
    {
    }

    /// <inheritdoc/>
    internal override T Lead<T>(AdamW optimizer, Func<T> work) => work();

    /// <inheritdoc/>
    internal override IEnumerable<StoredTensor> Weights() =>
        Model.Parameters.Select(p => new StoredTensor(p.Name, p.Value));

    /// <inheritdoc/>
    internal override IEnumerable<StoredTensor> Moments(AdamW optimizer) =>
        optimizer.State.Select(m => new StoredTensor(m.Key, m.Value));

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
    }
}
