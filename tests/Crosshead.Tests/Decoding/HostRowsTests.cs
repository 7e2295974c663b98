using Crosshead.Decoding;
using Crosshead.Tests.Kernels;
using static TorchSharp.torch;

namespace Crosshead.Tests.Decoding;

/// <summary>Rows of devices on the host; on a GPU through pinned memory.</summary>
public sealed class HostRowsTests
{
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Rows_are_those_of_the_device_pass_after_pass(ScalarType type)
    {
        foreach (var device in KernelCheck.Devices)
        {
            using var scope = NewDisposeScope();
            using var rows = new HostRows(77);
            foreach (var (first, second) in new[] { (3, 2), (1, 0), (90, 40), (2, 1) })
            {
                var a = KernelCheck.Random(first, type, first, 77).to(device);
                var b = KernelCheck.Random(second + 50, type, second + 4, 77).to(device).narrow(0, 4, second);
                rows.Begin(first + second, a);
                rows.Add(a);
                rows.Add(b);
                rows.Wait();
                var expected = cat([a, b]).cpu().to(ScalarType.Float32).data<float>().ToArray();
                Parallel.For(0, 2 * (first + second), i =>
                {
                    var row = i / 2; // by two threads
                    Assert.Equal(expected[(row * 77)..((row + 1) * 77)], rows[row].ToArray());
                });
            }
        }
    }
}
