using Crosshead.Checkpoints.Gguf;
using static Crosshead.Tests.Checkpoints.Gguf.GgufReaderTests;

namespace Crosshead.Tests.Checkpoints.Gguf;

public sealed class GgufWriterTests
{
    private static readonly GgufType s_single = GgufType.Named("F32");

    [Fact]
    public void What_the_reference_wrote_is_written_to_the_same_bytes()
    {
        using var folder = new TemporaryFolder();
        using var reference = GgufReader.Open(RawGguf.Fixture("reference.gguf"));
        var writer = new GgufWriter();
        writer.Add("general.architecture", "llama");
        writer.Add<byte>("a.u8", 200);
        writer.Add<sbyte>("a.i8", -100);
        writer.Add<ushort>("a.u16", 60000);
        writer.Add<short>("a.i16", -30000);
        writer.Add("a.u32", 4000000000);
        writer.Add("a.i32", -2000000000);
        writer.Add("a.f32", 0.1f);
        writer.Add("a.u64", 18000000000000000000);
        writer.Add("a.i64", -9000000000000000000);
        writer.Add("a.f64", 0.1);
        writer.Add("a.bool", true);
        writer.Add("a.text", "Grüße ▁");
        writer.AddList<int>("list.i32", [1, -2, 3]);
        writer.AddList<float>("list.f32", [0.5f, -1.5f]);
        writer.AddList("list.text", ["<s>", "", "▁a b"]);
        writer.AddList<bool>("list.bool", [true, false, true]);
        foreach (var tensor in reference.Tensors.Values)
        {
            var bytes = new byte[tensor.Bytes];
            reference.ReadBytes(tensor.Name, 0, bytes);
            writer.AddTensor(tensor.Name, tensor.Type, tensor.Shape, stream => stream.Write(bytes));
        }
        writer.Write(folder.File("x.gguf"));
        Assert.Equal(File.ReadAllBytes(RawGguf.Fixture("reference.gguf")), File.ReadAllBytes(folder.File("x.gguf")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public void What_is_written_is_read_back(int alignment)
    {
        using var folder = new TemporaryFolder();
        var writer = new GgufWriter(alignment);
        writer.AddTensor("a", s_single, [1, 3], stream => stream.Write(new byte[12]));
        writer.AddTensor("b", GgufType.Named("BF16"), [5], stream => stream.Write(new byte[10]));
        writer.Write(folder.File("x.gguf"));
        using var file = GgufReader.Open(folder.File("x.gguf"));
        Assert.Equal([1, 3], file.Tensors["a"].Shape);
        Assert.Equal(alignment == 1 ? 12 : 64, file.Tensors["b"].Offset);
    }

    [Fact]
    public void What_the_format_has_no_place_for_is_refused()
    {
        var writer = new GgufWriter();
        writer.Add("a", 1u);
        writer.AddTensor("a", s_single, [1], _ => { });
        Refused("the key \"a\" is taken", () => writer.Add("a", 2u));
        Refused("must be 1 to 65535 printable ASCII letters", () => writer.Add("ä", 2u));
        Refused("must be 1 to 65535 printable ASCII letters", () => writer.Add("", 2u));
        Refused("Decimal is no type of metadata", () => writer.Add("b", 2m));
        Refused("the tensor name \"a\" is taken", () => writer.AddTensor("a", s_single, [1], _ => { }));
        Refused("must be 1 to 64", () => writer.AddTensor(new string('n', 65), s_single, [1], _ => { }));
        Refused("each of at least 1", () => writer.AddTensor("b", s_single, [2, 0], _ => { }));
        Refused("1 to 4 dimensions", () => writer.AddTensor("b", s_single, [1, 1, 1, 1, 1], _ => { }));
        Refused("is a multiple of 32", () => writer.AddTensor("b", GgufType.Named("Q8_0"), [32, 33], _ => { }));
        Refused("must be a power of two", () => new GgufWriter(24));
    }

    [Fact]
    public void A_tensor_of_the_wrong_length_leaves_the_earlier_file()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("x.gguf", "earlier");
        var writer = new GgufWriter();
        writer.AddTensor("a", s_single, [2], stream => stream.Write(new byte[7]));
        Refused("tensor \"a\" has 7 bytes; its shape and type F32 have 8", () => writer.Write(path));
        Assert.Equal("earlier", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(folder.Path));
    }
}
