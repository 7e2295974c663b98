using System.Buffers.Binary;
using Crosshead.Checkpoints.Safetensors;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints.Safetensors;

public sealed class SafetensorsHeaderTests
{
    private const string Good =
        """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}""";

    // Each with 11 bytes of tensors.
    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}}""", "does not fill its 9 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,800]}}""",
        "tensor \"a\" claims bytes [0, 800] of 11")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", "claims bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", "claims bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,11]}}""", "claims bytes")]
    [InlineData("""{"a":{"dtype":"U8","shape":[11],"data_offsets":[9223372036854775800,9223372036854775807]}}""",
        "claims bytes")]
    [InlineData("""{"a":{"dtype":"U8","shape":[11],"data_offsets":[0,18446744073709551616]}}""",
        "is not described as the format asks")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", "does not fill")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2,-1],"data_offsets":[0,8]}}""", "does not fill")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", "does not fill")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4611686018427387904,4,0],"data_offsets":[0,0]}}""", "does not fill")]
    [InlineData("""{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}""", "does not fill")]
    [InlineData("""{"a":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]}}""",
        "unknown element type \"Q4\"; known are F64, F32")]
    [InlineData(
        """{"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"b":{"dtype":"U8","shape":[8],"data_offsets":[3,11]}}""",
        "begins at byte")]
    [InlineData(
        """{"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"b":{"dtype":"U8","shape":[5],"data_offsets":[6,11]}}""",
        "begins at byte")]
    [InlineData("""{"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}}""", "its tensors end")]
    [InlineData("{}", "its tensors end")]
    [InlineData(
        """{"a":{"dtype":"U8","shape":[11],"data_offsets":[0,11]},"a":{"dtype":"U8","shape":[11],"data_offsets":[0,11]}}""",
        "the key \"a\" stands there twice")]
    [InlineData("""{"a":{"dtype":"U8","dtype":"I8","shape":[11],"data_offsets":[0,11]}}""",
        "the key \"dtype\" stands there twice")]
    [InlineData("""{"__metadata__":{"x":"1","x":"2"},"a":{"dtype":"U8","shape":[11],"data_offsets":[0,11]}}""",
        "the key \"x\" stands there twice")]
    [InlineData("""{"__metadata__":{"x":null},"a":{"dtype":"U8","shape":[11],"data_offsets":[0,11]}}""",
        "__metadata__.x (null) must be a text")]
    [InlineData("""{"__metadata__":{"x":1},"a":{"dtype":"U8","shape":[11],"data_offsets":[0,11]}}""",
        "__metadata__.x (1) must be a text")]
    [InlineData("""{"a":{"dtype":"F32","data_offsets":[0,8]}}""", "is not described as the format asks")]
    [InlineData("""{"a":{"dtype":3,"shape":[2],"data_offsets":[0,8]}}""", "is not described as the format asks")]
    [InlineData("""{"a":{"dtype":"F32","shape":"2","data_offsets":[0,8]}}""", "is not described as the format asks")]
    [InlineData("""{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}""", "is not described as the format asks")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}""", "is not described as the format asks")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8e0]}}""", "is not described as the format asks")]
    [InlineData("""{"a":3}""", "is not described as the format asks")]
    [InlineData("""{"a":null}""", "is not described as the format asks")]
    [InlineData("""{"a\u0000":{"dtype":"U8","shape":[11],"data_offsets":[0,11]}}""", "control character")]
    [InlineData("""{"\ud800":{"dtype":"U8","shape":[11],"data_offsets":[0,11]}}""", "not the JSON of the format")]
    [InlineData("""{"a":[[[[[[[[[[0]]]]]]]]]]}""", "not the JSON of the format")]
    [InlineData("""[1]""", "does not begin with")]
    [InlineData(" {}", "does not begin with")]
    [InlineData("", "does not begin with")]
    [InlineData("""{"a":""", "not the JSON of the format")]
    [InlineData("""{"a":{"dtype":"U8","shape":[11],"data_offsets":[0,11]},}""", "not the JSON of the format")]
    public void A_header_that_does_not_add_up_is_refused_in_one_line(string header, string reason)
    {
        using var folder = new TemporaryFolder();
        var path = RawSafetensors.Write(folder, header, new byte[11]);
        var message = Assert.Throws<CrossheadException>(() => SafetensorsReader.Open(path)).Message;
        Assert.Contains(reason, message);
        Assert.Contains(path, message);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void A_tensor_of_too_many_dimensions_is_refused()
    {
        using var folder = new TemporaryFolder();
        var path = RawSafetensors.Write(folder,
            $$$"""{"a":{"dtype":"U8","shape":[{{{string.Join(",", Enumerable.Repeat(1, 65))}}}],"data_offsets":[0,1]}}""",
            7);
        Assert.Contains("has 65 dimensions",
            Assert.Throws<CrossheadException>(() => SafetensorsReader.Open(path)).Message);
    }

    [Fact]
    public void Bytes_that_are_no_text_are_refused()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("x.safetensors");
        File.WriteAllBytes(path, RawSafetensors.Bytes(
            [.. "{\"a"u8, 0xC3, 0x28, .. "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}"u8], [0]));
        Assert.Contains("not UTF-8", Assert.Throws<CrossheadException>(() => SafetensorsReader.Open(path)).Message);
        File.WriteAllBytes(path,
            RawSafetensors.Bytes("{\"a\0\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", [0]));
        Assert.Contains("not the JSON of the format",
            Assert.Throws<CrossheadException>(() => SafetensorsReader.Open(path)).Message);
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(0x7FFF_FFFF_FFFF_FFFFUL)]
    [InlineData(100_000_001UL)]
    [InlineData(1000UL)]
    public void A_length_beyond_the_file_or_the_format_is_refused(ulong length)
    {
        using var folder = new TemporaryFolder();
        var path = RawSafetensors.Write(folder, Good, new byte[11]);
        var bytes = File.ReadAllBytes(path);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        File.WriteAllBytes(path, bytes);
        Assert.Contains($"its header claims {length} bytes",
            Assert.Throws<CrossheadException>(() => SafetensorsReader.Open(path)).Message);
    }

    [Fact]
    public void Missing_empty_and_truncated_files_are_refused()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("x.safetensors");
        Assert.Contains("does not exist",
            Assert.Throws<CrossheadException>(() => SafetensorsReader.Open(path)).Message);
        File.WriteAllBytes(path, []);
        Assert.Contains("it has 0 bytes",
            Assert.Throws<CrossheadException>(() => SafetensorsReader.Open(path)).Message);
        var whole = RawSafetensors.Bytes(Good, new byte[11]);
        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Throws<CrossheadException>(() => SafetensorsReader.Open(path));
        }
    }

    [Fact]
    public void Unknown_keys_and_empty_tensors_and_files_are_fine()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using (var file = SafetensorsReader.Open(RawSafetensors.Write(folder,
            """{"e":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0],"more":1},"b":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}  """,
            5)))
        {
            Assert.Equal([0, 7], file.Map("e").shape);
            Assert.Equal(5, file.Map("b").item<byte>());
        }
        using var nothing = SafetensorsReader.Open(RawSafetensors.Write(folder, "{}"));
        Assert.Empty(nothing.Tensors);
    }

    // Bytes changed, removed or doubled, and values replaced by hostile ones: refused in one line, or every tensor
    // reads.
    [Fact]
    public void Damaged_headers_are_refused_or_read_but_never_crash()
    {
        string[] values = ["-1", "9223372036854775807", "18446744073709551616", "4611686018427387904", "1e3", "1.0",
            "-0", "null", "true", "\"x\"", "[]", "{}", "[0,8]", "\"F4\"", "\"BF16\"", "\"C64\"", "\\u0000",
            "__metadata__", "\"a\"", ",", "\u00e9"];
        using var folder = new TemporaryFolder();
        var path = folder.File("x.safetensors");
        var random = new Random(7);
        var (refused, read) = (0, 0);
        for (var i = 0; i < 4000; i++)
        {
            var header = Good;
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                var at = random.Next(header.Length);
                var length = Math.Min(random.Next(5), header.Length - at);
                header = random.Next(3) switch
                {
                    0 => header.Remove(at, length),
                    1 => header.Insert(at, header.Substring(random.Next(header.Length - 4), 4)),
                    _ => header.Remove(at, length).Insert(at, values[random.Next(values.Length)]),
                };
            }
            var bytes = RawSafetensors.Bytes(header, new byte[11]);
            if (random.Next(4) == 0) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(path, bytes);
            if (ReadsAll(path, bytes)) read++;
            else refused++;
        }
        Assert.InRange(read, 50, 1000); // both happen
        Assert.InRange(refused, 1000, 4000);
    }

    private static bool ReadsAll(string path, byte[] bytes)
    {
        try
        {
            using var scope = NewDisposeScope();
            using var file = SafetensorsReader.Open(path);
            foreach (var entry in file.Tensors.Values)
            {
                Assert.InRange(entry.Offset, 8, bytes.Length - entry.Bytes);
                Assert.Equal(bytes.AsSpan((int)entry.Offset, (int)entry.Bytes).ToArray(),
                    file.MapBytes(entry.Name).data<byte>());
                if (entry.Type.Scalar is not null) Assert.Equal(entry.Shape, file.Map(entry.Name).shape);
            }
            return true;
        }
        catch (CrossheadException e)
        {
            Assert.DoesNotContain('\n', e.Message);
            Assert.InRange(e.Message.Length, 10, 1000);
            return false;
        }
    }
}
