using Crosshead.Kernels.WeightProducts;
using Crosshead.Runtime;
using Crosshead.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>
/// A trainable tensor with its name in the checkpoint. At inference it may lie in a mapped file, dense or quantised;
/// then the tensor is made where one is needed. On a CUDA device products can keep it quantised.
/// </summary>
public sealed class Parameter : IDisposable
{
    private readonly Action<Tensor, Generator> _initialize;
    private readonly Lock _making = new();
    private readonly DenseScratch? _scratch;
    private Tensor? _value, _gradientLeaf;
    private Action<Tensor, long>? _write;
    private ScalarType _type;
    private Device _device;
    private bool _frozen;

    internal Parameter(string name, ParameterKind kind, long[] shape, ScalarType type, Device device,
        Action<Tensor, Generator> initialize) =>
        (Name, Kind, Shape, _type, _device, _initialize) = (name, kind, shape, type, device, initialize);

    internal Parameter(string name, ParameterKind kind, WeightMatrix stored, long[] shape, ScalarType type,
        Device device, Action<Tensor, Generator> initialize, DenseScratch scratch)
    {
        (Name, Kind, Stored, _initialize, _scratch) = (name, kind, stored, initialize, scratch);
        (Shape, _type, _device) = (shape, type, device);
    }

    /// <summary>Name in Hugging Face's convention, for example <c>model.layers.0.self_attn.q_proj.weight</c>.</summary>
    public string Name { get; }

    /// <summary>What the parameter is.</summary>
    public ParameterKind Kind { get; }

    /// <summary>The master value, a leaf of the autograd graph; of zeros if nothing was written to it.</summary>
    public Tensor Value
    {
        get
        {
            if (_value is null) Make();
            Await();
            return _value!;
        }
    }

    /// <summary>
    /// Called once before the value is next read: another stream still writes it. Null for nothing to wait for.
    /// </summary>
    internal Action? Awaited { get; set; }

    /// <summary>Its shape, whether there is a tensor yet or not.</summary>
    internal IReadOnlyList<long> Shape { get; }

    /// <summary>
    /// What backward passes have added up, of the value's shape; null for none, and to begin again. It is read and
    /// cleared without waiting for the value.
    /// </summary>
    public Tensor? Gradient
    {
        get => GradientLeaf?.grad;
        set
        {
            if (GradientLeaf is { } leaf) leaf.grad = value;
        }
    }

    /// <summary>
    /// The leaf of the graph that takes the gradient: the value, or where that is shorter than its gradient, a tensor
    /// of the gradient's type without memory of its own. Null where there is no tensor yet.
    /// </summary>
    internal Tensor? GradientLeaf => _gradientLeaf ?? _value;

    /// <summary>The numbers as they lie in a file; null for a parameter that is a tensor.</summary>
    internal WeightMatrix? Stored { get; private set; }

    /// <summary>The numbers as a device's products read them; null where they are a tensor.</summary>
    internal PackedMatrix? Packed { get; private set; }

    /// <summary>Whether the numbers can stay quantised on the device.</summary>
    internal bool CanPack => _value is null && Stored is { } stored && PackedMatrix.Supports(stored, _type, _device);

    /// <summary>Where the value is, or will be.</summary>
    internal Device Device => _value?.device ?? _device;

    /// <summary>Precision of the value.</summary>
    internal ScalarType Type => _value?.dtype ?? _type;

    /// <summary>
    /// The value in the given precision: the master value, or a cast of it through which gradients flow. Of quantised
    /// numbers it is a passing copy.
    /// </summary>
    public Tensor In(ScalarType type)
    {
        if (_value is null && Packed is { } packed) return packed.ToTensor(type);
        if (_value is null && Stored is { Format.IsQuantized: true } stored && _device.type == DeviceType.CPU)
            return stored.ToTensor(type, [.. Shape]);
        var value = Value;
        if (_gradientLeaf is { } leaf) value = ShortValue.Of(value, leaf);
        return value.dtype == type ? value : value.to(type);
    }

    /// <summary>
    /// The rows of tokens [B, N] of a table, [B, N, D], in the precision of the value or longer. A table that stays
    /// quantised gives float32 on the CPU and bfloat16 on a device.
    /// </summary>
    internal Tensor Rows(Tensor tokens)
    {
        if (_value is null && Packed is { } packed) return packed.RowsOf(tokens);
        if (_value is null && Stored is { Format.IsQuantized: true } stored && _device.type == DeviceType.CPU)
        {
            var rows = new float[tokens.NumberOfElements * stored.Columns];
            foreach (var (i, token) in tokens.data<long>().Index())
                stored.Read(token, rows.AsSpan(i * stored.Columns, stored.Columns));
            return tensor(rows, [.. tokens.shape, stored.Columns]);
        }
        return _gradientLeaf is { } leaf ? ShortValue.Rows(Value, leaf, tokens, RowsAreTaken)
            : Aten.Embedding(Value, tokens);
    }

    /// <summary>
    /// Whether a matrix is computed with in the precision of the masters, whatever the model computes in.
    /// </summary>
    internal bool ComputesInMaster { get; set; }

    /// <summary>
    /// Asked when rows of a table are looked up, for the tokens: what takes the gradients of the rows [B, N, D] when
    /// they come, so that the parameter gets none. Null, or null as the answer: the parameter gets its gradient.
    /// </summary>
    internal Func<Tensor, Action<Tensor>?>? RowsAreTaken { get; set; }

    /// <summary>What this is of a parameter that ranks share out; null for all of it.</summary>
    internal ParameterPart? Part { get; set; }

    /// <summary>Whether a tensor is the parameter's own value.</summary>
    internal bool Is(Tensor tensor) => ReferenceEquals(_value, tensor);

    /// <summary>Draws the starting value.</summary>
    /// <param name="generator">Source of the random numbers.</param>
    public void Initialize(Generator generator)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        if (_write is null)
        {
            _initialize(Value, generator);
            return;
        }
        var whole = zeros([.. Shape], Precision.MasterOf(Type), Device);
        _initialize(whole, generator);
        _write(whole, 0);
    }

    /// <summary>Writes the value, or some of its rows.</summary>
    /// <param name="rows">All of them, or rows one after the other; of the whole parameter, if this is a part.</param>
    /// <param name="first">The first row to write.</param>
    internal void Write(Tensor rows, long first = 0)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        if (Part is { } part)
        {
            if (part.Of(rows, first) is not var (own, start)) return;
            (rows, first) = (own, start);
        }
        if (_write is { } write) write(rows, first);
        else if (rows.shape.SequenceEqual(Shape)) Value.copy_(rows);
        else Value.narrow(0, first, rows.shape[0]).copy_(rows);
    }

    /// <summary>
    /// Ends training: the value takes no more gradients, in the given precision and place. A device gets its tensor at
    /// once, so that what memory it has left for a cache is known, and no captured graph contains a copy. If the
    /// numbers <see cref="CanPack"/>, the layer decides whether they become a tensor.
    /// </summary>
    internal void Freeze(ScalarType type, Device device)
    {
        _frozen = true;
        _value?.requires_grad_(false);
        MoveTo(type, device);
        if (_value is null && device.type != DeviceType.CPU && !CanPack) Make();
    }

    /// <summary>Brings the numbers to the device as its products read them, if they <see cref="CanPack"/>.</summary>
    internal void Pack()
    {
        if (!CanPack || Packed is not null) return;
        Packed = PackedMatrix.Of([Stored!], _device, _scratch!);
        Stored!.SetAside();
    }

    /// <summary>Brings the numbers of parameters with the same inputs to the device as one weight.</summary>
    /// <param name="parameters">Parameters of one model that all <see cref="CanPack"/>.</param>
    /// <returns>The weight, which the caller owns. Each parameter has its part of it.</returns>
    internal static PackedMatrix PackTogether(IReadOnlyList<Parameter> parameters)
    {
        var joint = PackedMatrix.Of([.. parameters.Select(p => p.Stored!)], parameters[0]._device,
            parameters[0]._scratch!);
        foreach (var (parameter, part) in parameters.Zip(joint.Sources))
        {
            parameter.Packed?.Dispose();
            parameter.Packed = part;
            parameter.Stored!.SetAside();
        }
        return joint;
    }

    /// <summary>Converts the value to another precision or device.</summary>
    internal void MoveTo(ScalarType type, Device device)
    {
        if (Packed is not null && (type != _type || device != _device))
        {
            Packed.Dispose();
            Packed = null;
        }
        (_type, _device) = (type, device);
        if (_value is null || (_value.dtype == type && _value.device_type == device.type
            && _value.device_index == device.index)) return;
        Await();
        using var grad = no_grad();
        var moved = _value.detach().to(type, device).DetachFromDisposeScope();
        moved.requires_grad_(_value.requires_grad);
        _value.Dispose();
        _value = moved;
    }

    /// <summary>Replaces the value by an equal view of a larger tensor, so that the memory is not used twice.</summary>
    internal void ReplaceWithView(Tensor part)
    {
        _value?.Dispose();
        _value = part.DetachFromDisposeScope();
    }

    /// <summary>Puts the value into a larger tensor, of which others have parts.</summary>
    /// <param name="part">Where it lies from now on.</param>
    /// <param name="gradientType">The type of its gradient.</param>
    /// <param name="write">Writes rows of the value from the given one on; called at once with what is there.</param>
    internal void MoveInto(Tensor part, ScalarType gradientType, Action<Tensor, long> write)
    {
        using var scope = NewDisposeScope();
        var before = _value;
        _write = write;
        _value = part.detach().DetachFromDisposeScope();
        if (gradientType == part.dtype) _value.requires_grad_(true);
        else
        {
            _gradientLeaf = zeros([.. Shape.Select(_ => 1L)], gradientType, part.device).expand([.. Shape])
                .detach().DetachFromDisposeScope();
            _gradientLeaf.requires_grad_(true);
        }
        if (before is null) return;
        Write(before.detach());
        before.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _value?.Dispose();
        _gradientLeaf?.Dispose();
        Packed?.Dispose();
        Stored?.Dispose();
    }

    private void Await()
    {
        if (Awaited is not { } wait) return;
        Awaited = null;
        wait();
    }

    private void Make()
    {
        lock (_making)
        {
            if (_value is not null) return;
            LibTorch.EnsureLoaded();
            using var grad = no_grad();
            using var scope = NewDisposeScope();
            if (Stored is null)
            {
                var value = zeros([.. Shape], _type, _device).DetachFromDisposeScope();
                value.requires_grad_(!_frozen);
                _value = value;
                return;
            }
            _value = Stored.ToTensor(_type, [.. Shape]).to(_device).DetachFromDisposeScope();
            if (_device.type != DeviceType.CPU) Stored.SetAside();
        }
    }
}
