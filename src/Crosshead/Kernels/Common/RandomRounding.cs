using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.Common;

/// <summary>
/// The random bits by which moments are rounded to bfloat16: the lower half of a float32 is carried into the upper half
/// with the probability that it is a share of. Bits depend on the parameter, the step and the element alone, so that
/// they do not depend on the number of ranks, and are the same on the CPU and on a GPU.
/// </summary>
/// <param name="Seed">Of the parameter and the step.</param>
/// <param name="FirstBlock">Which block of the parameter (<see cref="TensorBlock"/>) the tensor begins with.</param>
internal readonly record struct RandomRounding(uint Seed, uint FirstBlock)
{
    /// <summary>The rounding of a part of a parameter.</summary>
    /// <param name="parameter">The parameter's name.</param>
    /// <param name="step">Number of the step.</param>
    /// <param name="start">The part's first element, that of a block.</param>
    public static RandomRounding Of(string parameter, long step, long start)
    {
        var hash = 2166136261u; // FNV-1a
        foreach (var letter in parameter) hash = (hash ^ letter) * 16777619u;
        return new(Mix(hash + Mix((uint)step)), (uint)(start / TensorBlock.Length));
    }

    /// <summary>What element i of a block of the tensor adds i to; <see cref="Mix(uint)"/> gives its bits.</summary>
    /// <param name="block">Index of the block in the tensor.</param>
    public uint OfBlock(uint block) => Mix(Seed + ((FirstBlock + block) * 0x9E3779B9u));

    /// <summary>Bits that look random for every number ("lowbias32", Wellons, 2018).</summary>
    public static uint Mix(uint x)
    {
        x = (x ^ (x >> 16)) * 0x21F0AAADu;
        x = (x ^ (x >> 15)) * 0x735A2D97u;
        return x ^ (x >> 15);
    }

    /// <summary>The same of sixteen numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Mix(Vector512<uint> x)
    {
        x = (x ^ (x >> 16)) * Vector512.Create(0x21F0AAADu);
        x = (x ^ (x >> 15)) * Vector512.Create(0x735A2D97u);
        return x ^ (x >> 15);
    }

    /// <summary>Rounds to numbers of bfloat16. What is not a number stays so.</summary>
    /// <param name="values">The numbers.</param>
    /// <param name="random">Random bits in the lower half, none in the upper.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Round(Vector512<float> values, Vector512<uint> random)
    {
        var rounded = (values.AsUInt32() + random) & Vector512.Create(0xffff0000u);
        return Vector512.ConditionalSelect(Vector512.Equals(values, values), rounded.AsSingle(), values);
    }
}
