using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>A trainable tensor with its name in the checkpoint.</summary>
public sealed class Parameter : IDisposable
{
    private readonly Action<Tensor, Generator> _initialize;

    internal Parameter(string name, ParameterKind kind, Tensor value, Action<Tensor, Generator> initialize)
    {
        Name = name;
        Kind = kind;
        Value = value;
        _initialize = initialize;
    }

    /// <summary>Name in Hugging Face's convention, for example <c>model.layers.0.self_attn.q_proj.weight</c>.</summary>
    public string Name { get; }

    /// <summary>What the parameter is.</summary>
    public ParameterKind Kind { get; }

    /// <summary>The master value, a leaf of the autograd graph.</summary>
    public Tensor Value { get; private set; }

    /// <summary>
    /// The value in the given precision: the master value, or a cast of it through which gradients flow.
    /// </summary>
    public Tensor In(ScalarType type) => Value.dtype == type ? Value : Value.to(type);

    /// <summary>Draws the starting value.</summary>
    /// <param name="generator">Source of the random numbers.</param>
    public void Initialize(Generator generator)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        _initialize(Value, generator);
    }

    /// <summary>Converts the value to another precision or device.</summary>
    internal void MoveTo(ScalarType type, Device device)
    {
        if (Value.dtype == type && Value.device_type == device.type && Value.device_index == device.index) return;
        using var grad = no_grad();
        var moved = Value.detach().to(type, device).DetachFromDisposeScope();
        moved.requires_grad_(Value.requires_grad);
        Value.Dispose();
        Value = moved;
    }

    /// <summary>Replaces the value by an equal view of a larger tensor, so that the memory is not used twice.</summary>
    internal void ReplaceWithView(Tensor part)
    {
        Value.Dispose();
        Value = part.DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => Value.Dispose();
}
