using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Crosshead.Decoding.Cpu;

/// <summary>Reads the current values of a model's parameters, by their names within a part of the model.</summary>
/// <param name="parameters">The parameters by their full names.</param>
/// <param name="prefix">Prefix that completes the names.</param>
internal sealed class ParameterReader(IReadOnlyDictionary<string, Tensor> parameters, string prefix = "")
{
    /// <summary>Creates a reader for a part of this part.</summary>
    public ParameterReader this[string part] => new(parameters, $"{prefix}{part}.");

    /// <summary>The values of a parameter, in the order of its axes.</summary>
    public float[] Read(string name) => Values(parameters[prefix + name]);

    /// <summary>The values of a parameter, or null if the model has none of this name.</summary>
    public float[]? Find(string name) => parameters.TryGetValue(prefix + name, out var value) ? Values(value) : null;

    /// <summary>A tensor's values.</summary>
    public static float[] Values(Tensor value)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        return MemoryMarshal.Cast<byte, float>(value.to(ScalarType.Float32).cpu().contiguous().bytes).ToArray();
    }
}
