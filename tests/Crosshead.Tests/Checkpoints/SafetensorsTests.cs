using System.Buffers.Binary;
using System.Text;
using Crosshead.Checkpoints;
using CsCheck;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints;

public sealed class SafetensorsTests
{
    private const string Good = """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}""";

    [Fact]
    public void Every_type_comes_back_bit_for_bit()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        ScalarType[] types = [ScalarType.Float64, ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16, ScalarType.Int64, ScalarType.Int32, ScalarType.Int16, ScalarType.Int8, ScalarType.Byte, ScalarType.Bool];
        var tensors = types.ToDictionary(t => $"t.{t}", t => (randn(3, 5) * 3).to(t));
        tensors["empty"] = zeros(0, 4);
        tensors["scalar"] = tensor(1.5f);
        tensors["transposed"] = randn(4, 6).t();
        SafetensorsWriter.Write(folder.File("x.safetensors"), tensors, new Dictionary<string, string> { ["why"] = "a \"test\"" });
        using var file = SafetensorsReader.Open(folder.File("x.safetensors"));
        Assert.Equal(tensors.Keys.Order(StringComparer.Ordinal), file.Tensors.OrderBy(t => t.Value.Offset).ThenBy(t => t.Value.Bytes).Select(t => t.Key).Order(StringComparer.Ordinal));
        Assert.Equal("a \"test\"", file.Metadata["why"]);
        foreach (var (name, expected) in tensors)
        {
            var actual = file.Read(name);
            Assert.Equal(expected.dtype, actual.dtype);
            Assert.Equal(expected.shape, actual.shape);
            Assert.True(actual.equal(expected).all().item<bool>());
        }
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}}""", "does not fill its 9 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,800]}}""", "claims bytes [0, 800] of 11")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", "claims bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", "does not fill")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", "does not fill")]
    [InlineData("""{"a":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]}}""", "element type Q4")]
    [InlineData("""{"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"b":{"dtype":"U8","shape":[8],"data_offsets":[3,11]}}""", "begins at byte")]
    [InlineData("""{"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}}""", "its tensors end")]
    [InlineData("""{"a":{"dtype":"U8","shape":[11],"data_offsets":[0,11]},"a":{"dtype":"U8","shape":[11],"data_offsets":[0,11]}}""", "listed twice")]
    [InlineData("""{"a":{"dtype":"F32","data_offsets":[0,8]}}""", "not the JSON of the format")]
    [InlineData("""{"a":3}""", "not the JSON of the format")]
    [InlineData("""[1]""", "not the JSON of the format")]
    [InlineData("""{"a":""", "not the JSON of the format")]
    public void A_header_that_does_not_add_up_is_refused(string header, string reason)
    {
        using var folder = new TemporaryFolder();
        WriteRaw(folder.File("x.safetensors"), header, 11);
        Assert.Contains(reason, Assert.Throws<CrossheadException>(() => SafetensorsReader.Open(folder.File("x.safetensors"))).Message);
    }

    [Fact]
    public void Missing_empty_and_truncated_files_are_refused()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("x.safetensors");
        Assert.Contains("does not exist", Assert.Throws<CrossheadException>(() => SafetensorsReader.Open(path)).Message);
        File.WriteAllBytes(path, []);
        Assert.Contains("it has 0 bytes", Assert.Throws<CrossheadException>(() => SafetensorsReader.Open(path)).Message);
        WriteRaw(path, Good, 11);
        var whole = File.ReadAllBytes(path);
        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Throws<CrossheadException>(() => SafetensorsReader.Open(path));
        }
    }

    [Fact]
    public void Damaged_headers_are_refused_or_read_but_never_crash()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("x.safetensors");
        WriteRaw(path, Good, 11);
        var whole = File.ReadAllBytes(path);
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte).Array[1, 4].Sample(changes =>
        {
            var bytes = whole.ToArray();
            foreach (var (at, value) in changes) bytes[at] = value;
            File.WriteAllBytes(path, bytes);
            try
            {
                using var scope = NewDisposeScope();
                using var file = SafetensorsReader.Open(path);
                foreach (var name in file.Tensors.Keys) file.Read(name);
            }
            catch (CrossheadException)
            {
                // refused, as it should be
            }
        }, iter: 300, seed: "9htvdoPFCbL1", threads: 1);
    }

    [Fact]
    public void A_write_that_fails_leaves_the_old_file()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var path = folder.File("x.txt");
        AtomicFile.WriteText(path, "old");
        Assert.Throws<CrossheadException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write("ne"u8);
            throw new IOException("No space left on device");
        }));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    private static void WriteRaw(string path, string header, int dataBytes)
    {
        var text = Encoding.UTF8.GetBytes(header);
        var bytes = new byte[8 + text.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, text.Length);
        text.CopyTo(bytes, 8);
        File.WriteAllBytes(path, bytes);
    }
}
