using System.Runtime.InteropServices;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Decoding.Cpu;

/// <summary>Finds a model's parameters by their names within a part of the model.</summary>
/// <param name="parameters">The parameters by their full names.</param>
/// <param name="prefix">Prefix that completes the names.</param>
internal sealed class ParameterReader(IReadOnlyDictionary<string, Parameter> parameters, string prefix = "")
{
    /// <summary>The parameter of a name.</summary>
    public Parameter this[string name] => parameters[prefix + name];

    /// <summary>Creates a reader for a part of this part.</summary>
    public ParameterReader Part(string part) => new(parameters, $"{prefix}{part}.");

    /// <summary>The numbers of a parameter, in the order of its axes.</summary>
    public float[] Values(string name) => WeightReader.Values(this[name]);

    /// <summary>The numbers of a parameter, or null if the model has none of this name.</summary>
    public float[]? Find(string name) =>
        parameters.TryGetValue(prefix + name, out var parameter) ? WeightReader.Values(parameter) : null;

    /// <summary>A tensor's values.</summary>
    public static float[] Values(Tensor value)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        return MemoryMarshal.Cast<byte, float>(value.to(ScalarType.Float32).cpu().contiguous().bytes).ToArray();
    }
}
