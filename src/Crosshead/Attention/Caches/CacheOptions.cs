using System.ComponentModel.DataAnnotations;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Attention.Caches;

/// <summary>How decoding keeps the keys and values of tokens.</summary>
public sealed record CacheOptions
{
    /// <summary>Default of <see cref="ScaleGroup"/>.</summary>
    public const int UsualScaleGroup = 512;

    /// <summary>Largest <see cref="ScaleGroup"/>.</summary>
    public const int MostScaleGroup = 512;

    private static readonly CacheType[] s_types =
        [CacheType.Float32, CacheType.BFloat16, CacheType.Int8, CacheType.Fp8];

    private static readonly string[] s_names = Array.ConvertAll(s_types, NameOf);

    /// <summary>The type of the numbers; null for the precision of the model's computation.</summary>
    public CacheType? Type { get; init; }

    /// <summary>
    /// Neighbouring numbers of a row that share a scale, with <see cref="CacheType.Int8"/> and
    /// <see cref="CacheType.Fp8"/>: a multiple of 16.
    /// </summary>
    [Range(16, MostScaleGroup)]
    public int ScaleGroup { get; init; } = UsualScaleGroup;

    /// <summary>The names of the types that can be chosen.</summary>
    public static IEnumerable<string> TypeNames => s_names;

    /// <summary>The type of a name.</summary>
    /// <exception cref="CrossheadException">The name is unknown.</exception>
    public static CacheType Parse(string name) => Array.IndexOf(s_names, name) is >= 0 and var found ? s_types[found]
        : throw new CrossheadException($"cache type \"{name}\" is unknown; {Suggestion.For(name, s_names)}");

    /// <summary>The name of a type.</summary>
    public static string NameOf(CacheType type) => EnumName.Of(type);

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="CrossheadException">A value is out of its range.</exception>
    public void Validate()
    {
        OptionRange.Check(this);
        if (ScaleGroup % 16 != 0)
            throw new CrossheadException($"scaleGroup ({ScaleGroup}) must be a multiple of 16; use "
                + $"{ScaleGroup / 16 * 16}.");
    }

    /// <summary>The format of the cache of a model.</summary>
    /// <param name="compute">Precision of the model's computation.</param>
    /// <param name="device">Device of the model; null for the CPU.</param>
    /// <exception cref="CrossheadException">A value is out of its range, or the device, the processor or the precision
    /// does not have such a cache.</exception>
    public CacheFormat FormatFor(ScalarType compute, Device? device = null)
    {
        Validate();
        var usual = CacheFormat.Of(compute);
        if (Type is not { } type || type == usual.Type) return usual with { ScaleGroup = ScaleGroup };
        var (name, remedy) = (NameOf(type), $"leave {MessageTerm.CacheType} away");
        var scaled = type is CacheType.Int8 or CacheType.Fp8;
        if (device is not null && device.type == DeviceType.CUDA && scaled)
        {
            if (compute != ScalarType.BFloat16)
                throw new CrossheadException($"on {device} a cache of {name} belongs to a computation in bfloat16, not "
                    + $"in {Precision.NameOf(compute)}; use {MessageTerm.Dtype} bfloat16, or {remedy}.");
            return new CacheFormat(type, ScaleGroup);
        }
        if (device is not null && device.type != DeviceType.CPU)
            throw new CrossheadException($"a cache of {name} is computed on the CPU alone, not on {device}; use "
                + $"{MessageTerm.Device} cpu, or {remedy}.");
        if (!CpuVectors.AreUsed)
            throw new CrossheadException($"a cache of {name} needs AVX2, which this processor does not have; "
                + $"{remedy}.");
        if (compute is not (ScalarType.Float32 or ScalarType.BFloat16))
            throw new CrossheadException($"a cache of {name} belongs to a computation in float32 or bfloat16, not in "
                + $"{Precision.NameOf(compute)}; use {MessageTerm.Dtype} float32, or {remedy}.");
        return new CacheFormat(type, ScaleGroup);
    }
}
