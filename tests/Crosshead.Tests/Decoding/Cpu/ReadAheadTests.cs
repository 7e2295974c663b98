using Crosshead.Decoding.Cpu;

namespace Crosshead.Tests.Decoding.Cpu;

public sealed unsafe class ReadAheadTests
{
    [Theory]
    [InlineData(0, 1, 0)]
    [InlineData(1, 1, 1)]
    [InlineData(513, 1, 2)] // nine lines, eight at once
    [InlineData(128, 4, 1)]
    [InlineData(192, 4, 2)]
    [InlineData(2 << 20, 1, 1024)] // no more than half of a second cache
    [InlineData(1 << 20, 4, 1024)]
    public void Streams_are_read_a_few_lines_at_a_time(int length, int count, int times)
    {
        using var memory = new NativeBuffer<byte>((long)length * count);
        var ahead = new ReadAhead();
        Assert.False(ahead.Read());
        ahead.Begin(7, new WeightStreams((nint)memory.Pointer, length, count, length));
        Assert.True(ahead.IsFor(7));
        Assert.False(ahead.IsFor(8));
        for (var i = 0; i < times; i++) Assert.True(ahead.Read());
        Assert.False(ahead.Read());
    }
}
