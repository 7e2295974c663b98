using Crosshead.Checkpoints.Gguf;
using static Crosshead.Tests.Checkpoints.Gguf.GgufReaderTests;

namespace Crosshead.Tests.Checkpoints.Gguf;

public sealed class GgufHeaderTests
{
    private const GgufValueType Array = GgufValueType.Array;
    private const string Align = "general.alignment";

    private static readonly Dictionary<string, (RawGguf File, string Reason)> s_bad = new()
    {
        ["version 1"] = (new RawGguf(0, 0, version: 1), "its version is 1; 2 and 3 are supported"),
        ["version 4"] = (new RawGguf(0, 0, version: 4), "its version is 4; 2 and 3 are supported"),
        ["big-endian"] = (new RawGguf(0, 0, version: 3u << 24), "as in files of big-endian machines"),
        ["tensors"] = (new RawGguf(1ul << 60, 0), "the number of tensors is 1152921504606846976; the 8 bytes"),
        ["pairs"] = (new RawGguf(0, 1), "the number of metadata pairs is 1; the 0 bytes that follow have room for 0"),
        ["key's length"] = (new RawGguf(0, 1).Text("a.b.c.d", 1ul << 63), "the length of a key is 9223372036854775808"),
        ["long key"] = (new RawGguf(0, 1).Text(new string('k', 65536)), "is 65536; at most 65535 bytes"),
        ["empty key"] = (new RawGguf(0, 1).Pair("", 0).Bytes(1, 0), "a key is empty"),
        ["key's letters"] = (new RawGguf(0, 1).Pair("ä", 0).Bytes(1), "a key holds the byte 195"),
        ["key twice"] = (new RawGguf(0, 2).Pair("a", 0).Bytes(1).Pair("a", 0).Bytes(1),
            "the key \"a\": it occurs twice"),
        ["value's type"] = (new RawGguf(0, 1).Text("a").Number(13u).Bytes(1), "the type of its value is 13"),
        ["truth"] = (new RawGguf(0, 1).Pair("a", GgufValueType.Bool).Bytes(2), "a truth value is stored as 2"),
        ["truths"] = (new RawGguf(0, 1).Pair("a", Array).Number((uint)GgufValueType.Bool).Number(3ul).Bytes(0, 1, 9),
            "a truth value is stored as 9"),
        ["list's length"] = (new RawGguf(0, 1).Pair("a", Array).Number((uint)GgufValueType.UInt64)
            .Number((1ul << 61) + 1), "the number of elements is 2305843009213693953"),
        ["list's type"] = (new RawGguf(0, 1).Pair("a", Array).Number(99u).Number(0ul), "the element type of its value"),
        ["lists of lists"] = (new RawGguf(0, 1).Pair("a", Array).Number((uint)Array).Number(0ul), "arrays of arrays"),
        ["text's length"] = (new RawGguf(0, 1).Pair("a", GgufValueType.String).Text("b", 2),
            "the length of a text is 2; at most 1 bytes"),
        ["cut number"] = (new RawGguf(0, 1).Pair("a", GgufValueType.UInt64).Bytes(1), "its value needs 8 bytes"),
        ["alignment 0"] = (new RawGguf(0, 1).Pair(Align, GgufValueType.UInt32).Number(0u), "its value is 0; a power"),
        ["alignment 3"] = (new RawGguf(0, 1).Pair(Align, GgufValueType.UInt32).Number(3u), "its value is 3; a power"),
        ["alignment's type"] = (new RawGguf(0, 1).Pair(Align, GgufValueType.Float32).Number(32u),
            "is of type Float32; it must be a whole number"),
        ["alignments"] = (new RawGguf(0, 1).Pair(Align, Array).Number((uint)GgufValueType.UInt32).Number(0ul),
            "is a list of UInt32; it must be a whole number"),
        ["name's length"] = (new RawGguf(1, 0).Tensor(new string('n', 65), 0, 0, 8).Data(32), "is 65; at most 64"),
        ["name twice"] = (new RawGguf(2, 0).Tensor("a", 0, 0, 8).Tensor("a", 0, 32, 8).Data(64),
            "tensor \"a\": its name occurs twice"),
        ["no dimension"] = (new RawGguf(1, 0).Tensor("a", 0, 0).Data(32), "it has 0 dimensions; 1 to 4"),
        ["five dimensions"] = (new RawGguf(1, 0).Tensor("a", 0, 0, 1, 1, 1, 1, 1).Data(32), "it has 5 dimensions"),
        ["size 0"] = (new RawGguf(1, 0).Tensor("a", 0, 0, 8, 0).Data(32), "its dimension 1 is 0"),
        ["2^63"] = (new RawGguf(1, 0).Tensor("a", 0, 0, 1ul << 63).Data(32), "its dimension 0 is 9223372036854775808"),
        ["product"] = (new RawGguf(1, 0).Tensor("a", 0, 0, 1ul << 32, 1ul << 32).Data(32),
            "its dimension 1 is 4294967296"),
        ["product around"] = (new RawGguf(1, 0).Tensor("a", 0, 0, 1ul << 62, 4, 1ul << 62, 4).Data(32),
            "its dimension 1 is 4"),
        ["bytes around"] = (new RawGguf(1, 0).Tensor("a", 0, 0, 1ul << 62).Data(32), "it needs 18446744073709551616"),
        ["removed type"] = (new RawGguf(1, 0).Tensor("a", 4, 0, 8).Data(32), "its type is 4 (the format has removed"),
        ["type"] = (new RawGguf(1, 0).Tensor("a", 99, 0, 8).Data(32), "its type is 99; known are F32 (0), F16 (1)"),
        ["part of a block"] = (new RawGguf(1, 0).Tensor("a", 2, 0, 40).Data(32),
            "its rows have 40 elements; a row of type Q4_0 (2) is a multiple of 32"),
        ["offset"] = (new RawGguf(1, 0).Tensor("a", 0, 32, 8).Data(64), "its offset is 32"),
        ["offset around"] = (new RawGguf(1, 0).Tensor("a", 0, ulong.MaxValue, 8).Data(64), "its offset is 1844674407"),
        ["unaligned"] = (new RawGguf(2, 0).Tensor("a", 0, 0, 9).Tensor("b", 0, 36, 7).Data(64),
            "its offset is 36; the tensor before it ends at 64"),
        ["overlap"] = (new RawGguf(2, 0).Tensor("a", 0, 0, 8).Tensor("b", 0, 0, 8).Data(32), "its offset is 0"),
        ["order"] = (new RawGguf(2, 0).Tensor("a", 0, 32, 8).Tensor("b", 0, 0, 8).Data(64), "its offset is 32"),
        ["short"] = (new RawGguf(1, 0).Tensor("a", 0, 0, 9).Data(32), "they end at byte 100, the file at 96"),
        ["very short"] = (new RawGguf(1, 0).Tensor("a", 0, 0, 1024).Data(32), "it needs 4096 bytes at offset 0"),
        ["long"] = (new RawGguf(1, 0).Tensor("a", 0, 0, 8).Data(33), "they end at byte 96, the file at 128"),
        ["long without tensors"] = (new RawGguf(0, 0).Data(8), "they end at byte 24, the file at 64"),
    };

    public static TheoryData<string> Bad => [.. s_bad.Keys];

    [Theory]
    [MemberData(nameof(Bad))]
    public void A_header_that_does_not_add_up_is_refused_in_one_line(string name)
    {
        using var folder = new TemporaryFolder();
        var (file, reason) = s_bad[name];
        var path = file.Write(folder);
        Assert.Contains(path, Refused(reason, () => GgufReader.Open(path)));
    }

    [Fact]
    public void Another_kind_of_file_is_refused()
    {
        using var folder = new TemporaryFolder();
        Refused("does not exist", () => GgufReader.Open(folder.File("absent.gguf")));
        Refused("is a folder", () => GgufReader.Open(folder.Path));
        Refused("it has 0 bytes", () => GgufReader.Open(folder.Write("empty.gguf", "")));
        Refused("another kind of file", () => GgufReader.Open(folder.Write("text.gguf", new string('x', 100))));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(4096)]
    public void Any_power_of_two_is_an_alignment(int alignment)
    {
        using var folder = new TemporaryFolder();
        var path = new RawGguf(1, 1).Pair(Align, GgufValueType.UInt32).Number((uint)alignment)
            .Tensor("a", 0, 0, 8).Data(32, alignment).Write(folder);
        using var file = GgufReader.Open(path);
        file.Read("a", 0, new float[8]);
    }

    // Every other failure than the project's own, and every allocation that the file did not pay for, fails the test.
    [Fact]
    public void Ten_thousand_damaged_headers_are_read_or_refused()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("x.gguf");
        var good = Large(folder);
        var random = new Random(7);
        var refused = 0;
        for (var i = -10; i < 10_000; i++) // some first, for what a process allocates once
        {
            var bytes = Damaged(good, random);
            File.WriteAllBytes(path, bytes);
            var before = GC.GetAllocatedBytesForCurrentThread();
            var message = Refusal(path);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            if (message is not null) refused++;
            Assert.False(message is not null && message.Contains('\n'), message);
            if (i >= 0)
                Assert.True(allocated <= 2L * bytes.Length + 65_536,
                    $"{allocated} bytes for a file of {bytes.Length}: {message}");
        }
        Assert.InRange(refused, 2_000, 9_999);
    }

    // What reading all of a file's header says; null for a file that is read.
    private static string? Refusal(string path)
    {
        try
        {
            using var file = GgufReader.Open(path);
            foreach (var key in file.Metadata.Keys) _ = file.Metadata.TypeOf(key);
            return null;
        }
        catch (CrossheadException e)
        {
            return e.Message;
        }
    }

    // 24 KB of header: few texts, many tensors and a long list.
    private static byte[] Large(TemporaryFolder folder)
    {
        var writer = new GgufWriter();
        writer.Add("general.architecture", "llama");
        for (var i = 0; i < 40; i++) writer.Add($"llama.number.{i}", (uint)i);
        writer.AddList("tokens", Enumerable.Range(0, 500).Select(i => $"token {i}").ToList());
        writer.AddList<float>("scores", new float[500]);
        for (var i = 0; i < 100; i++)
            writer.AddTensor($"blk.{i}.weight", GgufType.Named("Q8_0"), [2, 32], s => s.Write(new byte[68]));
        writer.Write(folder.File("good.gguf"));
        return File.ReadAllBytes(folder.File("good.gguf"));
    }

    private static byte[] Damaged(byte[] good, Random random)
    {
        var header = good.Length - 100 * 96;
        var bytes = random.Next(8) == 0 ? good[..random.Next(good.Length)] : good.AsSpan().ToArray();
        for (var n = random.Next(1, 4); n > 0 && bytes.Length > 8; n--)
        {
            // Most damage where counts and types are: the beginning, and the tensors at the end.
            var at = random.Next(3) switch
            {
                0 => random.Next(8, 400),
                1 => random.Next(header),
                _ => header - 4000
                + random.Next(4000)
            };
            if (at + 8 > bytes.Length) continue;
            var place = bytes.AsSpan(at, 8);
            switch (random.Next(5))
            {
                case 0: place[0] = (byte)random.Next(256); break;
                case 1: place[0] ^= (byte)(1 << random.Next(8)); break;
                case 2: BitConverter.TryWriteBytes(place, random.NextInt64()); break;
                case 3: BitConverter.TryWriteBytes(place, 1L << random.Next(64)); break;
                default: place.Fill((byte)(random.Next(2) * 255)); break;
            }
        }
        return bytes;
    }
}
