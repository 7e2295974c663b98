using System.Runtime.InteropServices;

namespace Crosshead.Runtime.MachineCode;

/// <summary>A place in memory: base + index · scale + displacement.</summary>
/// <param name="Base">The register with the address.</param>
/// <param name="Displacement">Bytes further on.</param>
/// <param name="Index">A register that is added; null for none. Not <see cref="Register.Rsp"/>.</param>
/// <param name="Scale">What the index is multiplied by: 1, 2, 4 or 8.</param>
internal readonly record struct Address(Register Base, int Displacement = 0, Register? Index = null, int Scale = 1)
{
    /// <summary>A field of a structure whose address a register has.</summary>
    public static Address OfField<T>(Register structure, string name) where T : unmanaged =>
        new(structure, (int)Marshal.OffsetOf<T>(name));
}
