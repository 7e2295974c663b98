namespace Crosshead.Runtime.MachineCode;

/// <summary>A vector register, of 512 bits unless an instruction says otherwise.</summary>
/// <param name="Number">0 to 31.</param>
internal readonly record struct VectorRegister(int Number)
{
    /// <summary>The register a number of places further on.</summary>
    public static VectorRegister operator +(VectorRegister register, int places) => new(register.Number + places);
}
