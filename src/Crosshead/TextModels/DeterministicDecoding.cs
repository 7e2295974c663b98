using Crosshead.Attention.Caches;
using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Model;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.TextModels;

/// <summary>
/// Decoding in which a sequence is the same to the last bit, whatever is computed beside it, in whatever pieces its
/// prompt is computed, and whether its beginning is found computed.
/// <para>
/// On the CPU it always is. On a GPU the order of a row's sums depends on the rows of a pass, unless all passes have
/// the same number of rows and attention is cut at fixed tokens (<c>PassPieces.FixedRows</c>).
/// </para>
/// </summary>
public static class DeterministicDecoding
{
    /// <summary>Checks, before weights are read, that a model can be decoded so.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <param name="type">Precision of the computation.</param>
    /// <param name="device">What it is computed on.</param>
    /// <param name="format">How the cache keeps numbers.</param>
    /// <exception cref="CrossheadException">It cannot; the message says why.</exception>
    public static void Check(ModelOptions shape, ScalarType type, DeviceType device, CacheFormat format)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(format);
        if (device == DeviceType.CPU)
        {
            if (CpuWeights.Supports(type)) return;
            throw RowsApart.Refusal("on a CPU they need AVX2 and a computation in float32 or bfloat16, not in "
                + Precision.NameOf(type));
        }
        if (type != ScalarType.BFloat16)
            throw RowsApart.Refusal($"on a GPU they need a computation in bfloat16, not in {Precision.NameOf(type)}");
        if (format.Type != CacheType.BFloat16 && !format.HasScales)
            throw RowsApart.Refusal("on a GPU they need a cache of bfloat16, int8 or fp8, not of "
                + CacheOptions.NameOf(format.Type));
        if (PassPieces.Unknown(shape) is { } unknown)
            throw RowsApart.Refusal($"on a GPU there are none for a model with {unknown}");
    }
}
