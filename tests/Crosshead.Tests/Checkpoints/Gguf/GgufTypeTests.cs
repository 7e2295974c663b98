using System.Runtime.InteropServices;
using Crosshead.Checkpoints.Gguf;

namespace Crosshead.Tests.Checkpoints.Gguf;

public sealed class GgufTypeTests
{
    public static TheoryData<string> Readable => [.. GgufType.All.Where(t => t.CanRead).Select(t => t.Name)];

    [Theory]
    [MemberData(nameof(Readable))]
    public void Blocks_are_read_to_the_same_bits_as_by_the_reference(string name)
    {
        var type = GgufType.Named(name);
        var blocks = Fixture($"{name}.blocks");
        var expected = MemoryMarshal.Cast<byte, float>(Fixture($"{name}.values")).ToArray();
        Assert.Equal(1024, expected.Length);
        var values = new float[expected.Length];
        type.Read(blocks, values);
        for (var i = 0; i < values.Length; i++)
            Assert.True(BitConverter.SingleToInt32Bits(values[i]) == BitConverter.SingleToInt32Bits(expected[i]),
                $"element {i} is {values[i]:R}, the reference has {expected[i]:R}");
    }

    [Fact]
    public void The_readable_types_are_those_that_files_for_processors_use() => Assert.Equal(
        ["F32", "F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K", "BF16", "MXFP4"],
        GgufType.All.Where(t => t.CanRead).Select(t => t.Name));

    [Fact]
    public void A_number_names_one_type()
    {
        Assert.Equal(GgufType.All.Count, GgufType.All.Select(t => t.Number).Distinct().Count());
        Assert.All(GgufType.All, t => Assert.Same(t, GgufType.Of(t.Number)));
        Assert.All((uint[])[4, 5, 31, 33, 36, 38, 43, uint.MaxValue], n => Assert.Null(GgufType.Of(n)));
    }

    [Fact]
    public void Lengths_that_do_not_fit_are_refused()
    {
        var type = GgufType.Named("Q4_0");
        Assert.Contains("a block of 18 bytes holds 32",
            Assert.Throws<CrossheadException>(() => type.Read(new byte[19], new float[32])).Message);
        Assert.Throws<CrossheadException>(() => type.Read(new byte[18], new float[31]));
        type.Read([], []);
    }

    [Fact]
    public void A_type_that_is_not_readable_says_which_are()
    {
        var message = Assert.Throws<CrossheadException>(
            () => GgufType.Named("IQ4_XS").Read(new byte[136], new float[256])).Message;
        Assert.Contains("IQ4_XS (23)", message);
        Assert.Contains("Q4_K", message);
    }

    private static byte[] Fixture(string name) => File.ReadAllBytes(RawGguf.Fixture(name));
}
