namespace Crosshead.Runtime.Cuda;

/// <summary>
/// One argument of a kernel. Its bits are at the low end of eight bytes, and the driver copies as many as the kernel
/// declares.
/// </summary>
internal readonly struct KernelArgument
{
    private readonly ulong _bits;

    private KernelArgument(ulong bits) => _bits = bits;

    /// <summary>A device address (<c>T*</c>).</summary>
    public static implicit operator KernelArgument(nint address) => new((ulong)address);

    /// <summary>An <c>int</c>.</summary>
    public static implicit operator KernelArgument(int value) => new((uint)value);

    /// <summary>A <c>long long</c>.</summary>
    public static implicit operator KernelArgument(long value) => new((ulong)value);

    /// <summary>A <c>float</c>.</summary>
    public static implicit operator KernelArgument(float value) => new(BitConverter.SingleToUInt32Bits(value));
}
