namespace Crosshead.Runtime.MachineCode;

/// <summary>The last operand of a vector instruction: a register, or numbers in memory.</summary>
internal readonly struct VectorOperand
{
    private VectorOperand(VectorRegister register, Address? memory, bool isOne) =>
        (Register, Memory, IsOne) = (register, memory, isOne);

    /// <summary>The register; without meaning where there is an address.</summary>
    public VectorRegister Register { get; }

    /// <summary>The address; null for a register.</summary>
    public Address? Memory { get; }

    /// <summary>Whether a single number of 32 bits in memory is used in all lanes.</summary>
    public bool IsOne { get; }

    /// <summary>The number of 32 bits at an address, in all lanes.</summary>
    public static VectorOperand One(Address address) => new(default, address, true);

    /// <summary>A register.</summary>
    public static implicit operator VectorOperand(VectorRegister register) => new(register, null, false);

    /// <summary>Numbers side by side in memory.</summary>
    public static implicit operator VectorOperand(Address address) => new(default, address, false);
}
