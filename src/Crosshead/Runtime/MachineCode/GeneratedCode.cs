using System.Runtime.Intrinsics.X86;

namespace Crosshead.Runtime.MachineCode;

/// <summary>
/// Functions that are written in machine code while the program runs, for instructions that .NET does not have. They
/// are used only on processors with these instructions; without them, or where the system forbids such memory, the same
/// is computed by what .NET has.
/// </summary>
public static class GeneratedCode
{
    /// <summary>The environment variable that turns such functions off with the value 0.</summary>
    public const string Variable = "CROSSHEAD_MACHINE_CODE";

    /// <summary>
    /// Whether bytes may be multiplied by AVX512_VNNI: sixteen times four products in one instruction.
    /// </summary>
    public static bool HasByteProducts { get; } = IsOn && Feature(0).Ecx.HasBit(11);

    /// <summary>
    /// Whether bfloat16 may be multiplied by AVX512_BF16: sixteen times two products in one instruction.
    /// </summary>
    public static bool HasBFloat16Products { get; } = IsOn && Feature(1).Eax.HasBit(5);

    /// <summary>
    /// What such functions compute here, in words: <c>products of int8 and bfloat16</c>, <c>not in use: no AVX512_VNNI
    /// or AVX512_BF16</c>.
    /// </summary>
    public static string Description => (HasByteProducts, HasBFloat16Products) switch
    {
        (false, false) when Environment.GetEnvironmentVariable(Variable) == "0" => $"not in use: {Variable} is 0",
        (false, false) => "not in use: no AVX512_VNNI or AVX512_BF16",
        _ when Make(a => a.Return()) == 0 => "not in use: the system does not allow memory that may be run",
        (true, false) => "products of int8",
        (false, true) => "products of bfloat16",
        _ => "products of int8 and bfloat16",
    };

    // Settings of .NET that switch AVX-512 off hold here too.
    private static bool IsOn => CpuVectors.Are512Bits && X86Base.X64.IsSupported
        && Environment.GetEnvironmentVariable(Variable) != "0";

    /// <summary>Writes a function into memory.</summary>
    /// <param name="write">Writes its code.</param>
    /// <returns>Its address, for the rest of the process; 0 where the system forbids it.</returns>
    internal static nint Make(Action<Assembler> write)
    {
        var assembler = new Assembler();
        write(assembler);
        return ExecutableMemory.Of(assembler.Code);
    }

    // Leaf 7 of CPUID: the processor's newer features.
    private static (int Eax, int Ecx) Feature(int part)
    {
        if (X86Base.CpuId(0, 0).Eax < 7 || X86Base.CpuId(7, 0).Eax < part) return (0, 0);
        var (eax, _, ecx, _) = X86Base.CpuId(7, part);
        return (eax, ecx);
    }

    private static bool HasBit(this int word, int bit) => (word >> bit & 1) != 0;
}
