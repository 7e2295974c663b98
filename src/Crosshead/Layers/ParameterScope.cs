using Crosshead.Runtime;
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

    private ParameterScope(List<Parameter> all, string prefix, ScalarType type, Device device) =>
        (_all, _prefix, Type, Device) = (all, prefix, type, device);

    /// <summary>
    /// A scope without prefix whose parameters are created in the given precision on the given device.
    /// </summary>
    public ParameterScope(ScalarType type, Device device) : this([], "", type, device) => LibTorch.EnsureLoaded();

    /// <summary>Precision of the master values.</summary>
    public ScalarType Type { get; }

    /// <summary>Device of the master values.</summary>
    public Device Device { get; }

    /// <summary>
    /// All parameters created so far in this scope and in all scopes that share its list, in order of creation.
    /// </summary>
    public IReadOnlyList<Parameter> Parameters => _all;

    /// <summary>The scope of a child layer: names continue with <paramref name="name"/> and a dot.</summary>
    public ParameterScope this[string name] => new(_all, $"{_prefix}{name}.", Type, Device);

    /// <summary>Creates a parameter of zeros.</summary>
    /// <param name="name">Last part of the parameter's name.</param>
    /// <param name="kind">What it is.</param>
    /// <param name="initialize">Writes the starting value in place.</param>
    /// <param name="shape">Its shape; matrices are [out, in].</param>
    public Parameter Create(string name, ParameterKind kind, Action<Tensor, Generator> initialize, params long[] shape)
    {
        var value = zeros(shape, Type, Device).DetachFromDisposeScope();
        value.requires_grad_(true);
        var parameter = new Parameter(_prefix + name, kind, value, initialize);
        _all.Add(parameter);
        return parameter;
    }
}
