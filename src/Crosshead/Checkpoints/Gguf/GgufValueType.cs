namespace Crosshead.Checkpoints.Gguf;

/// <summary>The type of a metadata value in a GGUF file. The numbers are those in the file.</summary>
public enum GgufValueType : uint
{
    /// <summary>A whole number of 8 bits, from 0.</summary>
    UInt8,

    /// <summary>A whole number of 8 bits.</summary>
    Int8,

    /// <summary>A whole number of 16 bits, from 0.</summary>
    UInt16,

    /// <summary>A whole number of 16 bits.</summary>
    Int16,

    /// <summary>A whole number of 32 bits, from 0.</summary>
    UInt32,

    /// <summary>A whole number of 32 bits.</summary>
    Int32,

    /// <summary>A number of single precision.</summary>
    Float32,

    /// <summary>True or false.</summary>
    Bool,

    /// <summary>A text in UTF-8.</summary>
    String,

    /// <summary>Several values of one type.</summary>
    Array,

    /// <summary>A whole number of 64 bits, from 0.</summary>
    UInt64,

    /// <summary>A whole number of 64 bits.</summary>
    Int64,

    /// <summary>A number of double precision.</summary>
    Float64,
}
