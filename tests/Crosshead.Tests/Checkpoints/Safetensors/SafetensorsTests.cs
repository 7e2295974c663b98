using System.Text;
using System.Text.Json.Nodes;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Files;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints.Safetensors;

public sealed class SafetensorsTests
{
    private static readonly ScalarType[] s_types = [
        .. SafetensorsType.All.Where(t => t.Scalar is not null).Select(t => t.Scalar!.Value)];

    [Fact]
    public void Every_type_comes_back_bit_for_bit()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var tensors = s_types.ToDictionary(t => $"t.{t}", t => (randn(3, 5) * 3).to(t));
        tensors["empty"] = zeros(0, 4);
        tensors["scalar"] = tensor(1.5f);
        tensors["transposed"] = randn(4, 6).t();
        SafetensorsWriter.Write(folder.File("x.safetensors"), tensors,
            new Dictionary<string, string> { ["why"] = "a \"test\"" });
        using var file = SafetensorsReader.Open(folder.File("x.safetensors"));
        Assert.Equal(tensors.Keys.Order(StringComparer.Ordinal), file.Tensors.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("a \"test\"", file.Metadata["why"]);
        foreach (var (name, expected) in tensors)
        {
            foreach (var actual in new[] { file.Read(name), file.Map(name) })
            {
                Assert.Equal(expected.dtype, actual.dtype);
                Assert.Equal(expected.shape, actual.shape);
                Assert.True(actual.equal(expected).all().item<bool>());
            }
        }
    }

    [Fact]
    public void A_file_that_is_cut_while_it_is_open_is_told_with_both_lengths()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var path = folder.File("x.safetensors");
        var values = arange(1000, ScalarType.Float32);
        SafetensorsWriter.Write(path, new Dictionary<string, Tensor> { ["a"] = values, ["b"] = values });
        using var reader = SafetensorsReader.Open(path);
        var whole = new FileInfo(path).Length;
        using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            file.SetLength(whole - 10);
        foreach (var read in new Func<string, Tensor>[] { reader.Read, reader.Map, reader.MapBytes })
        {
            var error = Assert.Throws<CrossheadException>(() => read("b")).Message;
            Assert.Equal($"\"{path}\" was cut short while it was read: it has {whole - 10} bytes now and had {whole}; "
                + $"get it again.", error);
        }
        Assert.True(reader.Read("a").equal(values).all().item<bool>());
    }

    [Fact]
    public void The_header_is_what_Hugging_Face_writes()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var path = folder.File("x.safetensors");
        SafetensorsWriter.Write(path, new Dictionary<string, Tensor>
        {
            ["b"] = zeros(2, 3),
            ["B"] = zeros(1, ScalarType.Byte),
            ["a"] = zeros(1, ScalarType.Int64),
        });
        var bytes = File.ReadAllBytes(path);
        var length = BitConverter.ToInt32(bytes);
        Assert.Equal(0, length % 8);
        Assert.Equal(8 + length + 1 + 8 + 24, bytes.Length);
        var header = Encoding.UTF8.GetString(bytes, 8, length);
        Assert.StartsWith("""{"__metadata__":{"format":"pt"},""", header, StringComparison.Ordinal);
        var json = JsonNode.Parse(header)!.AsObject();
        Assert.Equal(["__metadata__", "B", "a", "b"], json.Select(p => p.Key));
        Assert.Equal("""{"dtype":"F32","shape":[2,3],"data_offsets":[9,33]}""", json["b"]!.ToJsonString());
    }

    [Fact]
    public void A_mapped_tensor_outlives_its_reader_and_the_map_no_tensor()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("x.safetensors");
        using var values = arange(1000, ScalarType.Float32);
        SafetensorsWriter.Write(path, new Dictionary<string, Tensor> { ["a"] = values, ["b"] = values });
        var reader = SafetensorsReader.Open(path);
        var whole = reader.Map("b");
        var part = whole.narrow(0, 10, 5); // a view holds the memory as the tensor itself does
        reader.Dispose();
        File.Delete(path);
        whole.Dispose();
        Assert.True(IsMapped(path));
        Assert.Equal([10, 11, 12, 13, 14], part.data<float>());
        part.Dispose();
        Assert.False(IsMapped(path));
        Assert.Throws<ObjectDisposedException>(() => reader.Map("a"));
    }

    [Fact]
    public void Writing_to_a_mapped_tensor_leaves_the_file_alone()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var path = folder.File("x.safetensors");
        SafetensorsWriter.Write(path, new Dictionary<string, Tensor> { ["a"] = ones(5000) });
        var before = File.ReadAllBytes(path);
        using (var reader = SafetensorsReader.Open(path))
        {
            var mapped = reader.Map("a");
            mapped.mul_(3);
            Assert.Equal(15000, mapped.sum().item<float>());
        }
        Assert.Equal(before, File.ReadAllBytes(path));
        using var again = SafetensorsReader.Open(path);
        Assert.Equal(5000, again.Map("a").sum().item<float>());
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(4, true)]
    public void A_tensor_off_its_alignment_is_copied(int before, bool mapped)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var header =
            $$$"""{"a":{"dtype":"U8","shape":[{{{before}}}],"data_offsets":[0,{{{before}}}]},"b":{"dtype":"F32","shape":[2],"data_offsets":[{{{before}}},{{{before + 8}}}]}}""";
        var path = RawSafetensors.Write(folder, header.PadRight((header.Length + 7) / 8 * 8),
            [.. new byte[before], .. BitConverter.GetBytes(1.5f), .. BitConverter.GetBytes(-2f)]);
        Tensor tensor;
        using (var file = SafetensorsReader.Open(path)) tensor = file.Map("b");
        Assert.Equal([1.5f, -2f], tensor.data<float>());
        Assert.Equal(mapped, IsMapped(path));
    }

    public static TheoryData<string> BytesOnly =>
        [.. SafetensorsType.All.Where(t => t.Scalar is null).Select(t => t.Name)];

    [Theory]
    [MemberData(nameof(BytesOnly))]
    public void Types_that_libtorch_lacks_are_listed_and_give_their_bytes(string name)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var type = SafetensorsType.All.Single(t => t.Name == name);
        byte[] data = [.. Enumerable.Range(1, type.Bits).Select(i => (byte)i)]; // 8 elements
        using var file = SafetensorsReader.Open(RawSafetensors.Write(folder,
            $$$"""{"a":{"dtype":"{{{name}}}","shape":[2,4],"data_offsets":[0,{{{data.Length}}}]}}""", data));
        Assert.Equal((type, 8), (file.Tensors["a"].Type, file.Tensors["a"].Elements));
        Assert.Equal(data, file.MapBytes("a").data<byte>());
        Assert.Contains($"tensor \"a\" is of type {name}, whose values cannot be read",
            Assert.Throws<CrossheadException>(() => file.Map("a")).Message);
        Assert.Contains($"tensor \"a\" is of type {name}",
            Assert.Throws<CrossheadException>(() => file.Read("a")).Message);
    }

    [Fact]
    public void Numbers_may_be_stored_in_another_precision()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var values = randn(100);
        SafetensorsWriter.Write(folder.File("x.safetensors"),
            new Dictionary<string, Tensor> { ["a"] = values, ["ids"] = arange(3, ScalarType.Int64) },
            type: ScalarType.BFloat16);
        using var file = SafetensorsReader.Open(folder.File("x.safetensors"));
        Assert.True(file.Read("a").equal(values.to(ScalarType.BFloat16)).all().item<bool>());
        Assert.Equal([0, 1, 2], file.Read("ids").data<long>());
    }

    [Fact]
    public void What_the_format_cannot_hold_is_refused()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var path = folder.File("x.safetensors");
        Assert.Contains("tensor \"a\" has the type ComplexFloat64", Assert.Throws<CrossheadException>(() =>
            SafetensorsWriter.Write(path,
                new Dictionary<string, Tensor> { ["a"] = zeros(1, ScalarType.ComplexFloat64) })).Message);
        Assert.Contains("name \"a\" is taken", Assert.Throws<CrossheadException>(() =>
            SafetensorsWriter.Write(path, [new("a", zeros(1)), new("a", zeros(2))])).Message);
        Assert.Contains("name \"__metadata__\" is taken", Assert.Throws<CrossheadException>(() =>
            SafetensorsWriter.Write(path, [new("__metadata__", zeros(1))])).Message);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Reading_leaves_no_tensor_behind()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("x.safetensors");
        TensorLeaks.None(() =>
        {
            using var scope = NewDisposeScope();
            SafetensorsWriter.Write(path, new Dictionary<string, Tensor> { ["a"] = ones(5) });
            using var file = SafetensorsReader.Open(path);
            file.Map("a");
            file.Read("a");
        });
    }

    [Fact]
    public void A_write_that_fails_leaves_the_old_file()
    {
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

    private static bool IsMapped(string path) =>
        File.ReadAllText("/proc/self/maps").Contains(path, StringComparison.Ordinal);
}
