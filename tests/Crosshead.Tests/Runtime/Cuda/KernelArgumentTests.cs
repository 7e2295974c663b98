using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Crosshead.Runtime.Cuda;

namespace Crosshead.Tests.Runtime.Cuda;

public sealed class KernelArgumentTests
{
    [Fact]
    public void An_argument_takes_eight_bytes() => Assert.Equal(8, Unsafe.SizeOf<KernelArgument>());

    [Fact]
    public void Each_kind_is_read_back_from_the_start_of_its_bytes()
    {
        var address = nint.Parse("7F123456789A", NumberStyles.HexNumber);
        ReadOnlySpan<KernelArgument> arguments = [address, -7, long.MinValue + 5, -1.5f];
        Assert.Equal(address, Read<nint>(arguments[0]));
        Assert.Equal(-7, Read<int>(arguments[1]));
        Assert.Equal(long.MinValue + 5, Read<long>(arguments[2]));
        Assert.Equal(-1.5f, Read<float>(arguments[3]));
    }

    private static T Read<T>(KernelArgument argument) where T : unmanaged =>
        MemoryMarshal.Read<T>(MemoryMarshal.AsBytes(new ReadOnlySpan<KernelArgument>(in argument)));
}
