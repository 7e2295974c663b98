using static TorchSharp.torch;

namespace Crosshead.Training.Steps;

/// <summary>What an optimizer steps of a parameter: all of it, or the part that this rank keeps.</summary>
internal abstract class OptimizedSlice : IDisposable
{
    /// <summary>The parameter's name.</summary>
    public abstract string Name { get; }

    /// <summary>The master values; stepped in place.</summary>
    public abstract Tensor Value { get; }

    /// <summary>The gradient of the step, of the same shape; null for none.</summary>
    public abstract Tensor? Gradient { get; }

    /// <summary>Gets the stepped values in bfloat16; null for nothing.</summary>
    public virtual Tensor? Copy => null;

    /// <summary>The slice's first element in the parameter.</summary>
    public virtual long Start => 0;

    /// <summary>The part of a tensor of the parameter's shape that belongs to the slice.</summary>
    public abstract Tensor PartOf(Tensor whole);

    /// <summary>Frees what the slice itself holds.</summary>
    public virtual void Dispose()
    {
    }
}
