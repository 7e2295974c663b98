using Crosshead.Kernels.WeightProducts;
using Crosshead.Runtime;
using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>
/// Creates the parameters of a layer. It has a prefix for their names, and the list that collects them. A layer keeps
/// its <see cref="Parameter"/>s; the model owns the list.
/// </summary>
public sealed class ParameterScope
{
    private readonly List<Parameter> _all;
    private readonly string _prefix;
    private readonly Func<string, WeightMatrix?>? _stored;

    private ParameterScope(List<Parameter> all, string prefix, ScalarType type, Device device,
        Func<string, WeightMatrix?>? stored, DenseScratch scratch) =>
        (_all, _prefix, Type, Device, _stored, Scratch) = (all, prefix, type, device, stored, scratch);

    /// <summary>
    /// A scope without prefix whose parameters are created in the given precision on the given device.
    /// </summary>
    public ParameterScope(ScalarType type, Device device) : this(type, device, null) => LibTorch.EnsureLoaded();

    /// <summary>
    /// A scope whose parameters lie in files, and become tensors where tensors are needed. It does not load libtorch.
    /// </summary>
    /// <param name="type">Precision of the tensors.</param>
    /// <param name="device">Device of the tensors.</param>
    /// <param name="stored">The numbers of a parameter by its full name, which the parameter owns from then on; null
    /// for a parameter that is a tensor from the start.</param>
    internal ParameterScope(ScalarType type, Device device, Func<string, WeightMatrix?>? stored)
        : this([], "", type, device, stored, new DenseScratch())
    {
    }

    /// <summary>Precision of the master values.</summary>
    public ScalarType Type { get; }

    /// <summary>Device of the master values.</summary>
    public Device Device { get; }

    /// <summary>
    /// All parameters created so far in this scope and in all scopes that share its list, in order of creation.
    /// </summary>
    public IReadOnlyList<Parameter> Parameters => _all;

    /// <summary>The scope of a child layer: names continue with <paramref name="name"/> and a dot.</summary>
    public ParameterScope this[string name] => new(_all, $"{_prefix}{name}.", Type, Device, _stored, Scratch);

    /// <summary>Where quantised parameters become tensors in passing; the model owns it.</summary>
    internal DenseScratch Scratch { get; }

    /// <summary>Creates a parameter of zeros, which takes memory when its value is first read.</summary>
    /// <param name="name">Last part of the parameter's name.</param>
    /// <param name="kind">What it is.</param>
    /// <param name="initialize">Writes the starting value in place.</param>
    /// <param name="shape">Its shape; matrices are [out, in].</param>
    public Parameter Create(string name, ParameterKind kind, Action<Tensor, Generator> initialize, params long[] shape)
    {
        var parameter = _stored?.Invoke(_prefix + name) is { } stored
            ? new Parameter(_prefix + name, kind, stored, shape, Type, Device, initialize, Scratch)
            : new Parameter(_prefix + name, kind, shape, Type, Device, initialize);
        _all.Add(parameter);
        return parameter;
    }
}
