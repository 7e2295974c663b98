using Crosshead.Checkpoints.Gguf;

namespace Crosshead.Tests.Checkpoints.Gguf;

public sealed class GgufReaderTests
{
    [Fact]
    public void A_file_of_the_reference_is_read()
    {
        using var file = GgufReader.Open(RawGguf.Fixture("reference.gguf"));
        var metadata = file.Metadata;
        Assert.Equal(17, metadata.Keys.Count);
        Assert.Equal("llama", metadata.Text("general.architecture"));
        Assert.Equal("Grüße ▁", metadata.Text("a.text"));
        Assert.Equal([200, -100, 60000, -30000, 4000000000, -2000000000, -9000000000000000000],
            new[] { "u8", "i8", "u16", "i16", "u32", "i32", "i64" }.Select(t => metadata.Integer($"a.{t}")!.Value));
        Assert.Equal(0.1f, metadata.Number("a.f32"));
        Assert.Equal(0.1, metadata.Number("a.f64"));
        Assert.Equal(1.8e19, metadata.Number("a.u64"));
        Assert.True(metadata.Flag("a.bool"));
        Assert.Equal([1, -2, 3], metadata.Integers("list.i32")!);
        Assert.Equal([0.5, -1.5], metadata.Numbers("list.f32")!);
        Assert.Equal(["<s>", "", "▁a b"], metadata.Texts("list.text")!);
        Assert.Equal((GgufValueType.Bool, true), (metadata.TypeOf("list.bool"), metadata.IsList("list.bool")));
        Assert.Null(metadata.Text("absent"));

        Assert.Equal(["first.weight", "second.weight", "third.bias"], file.Tensors.Keys);
        var second = file.Tensors["second.weight"];
        Assert.Equal(("Q8_0", 128, 136), (second.Type.Name, second.Elements, second.Bytes));
        Assert.Equal([2, 1, 64], second.Shape);
        var first = new float[6];
        file.Read("first.weight", 0, first);
        Assert.Equal([0.5f, 1.5f, 2.5f, 3.5f, 4.5f, 5.5f], first);
        var block = new float[32];
        file.Read("second.weight", 96, block);
        Assert.Equal(0.5f, block[0], 0.01f);
        Assert.Equal(63 / 64f, block[31], 0.01f);
        var third = new float[2];
        file.Read("third.bias", 3, third);
        Assert.Equal([-3f, -4f], third);
    }

    [Fact]
    public void A_value_of_another_type_is_refused_by_key_and_type()
    {
        using var file = GgufReader.Open(RawGguf.Fixture("reference.gguf"));
        var metadata = file.Metadata;
        Refused("\"a.u8\" is of type UInt8; it must be a text", () => metadata.Text("a.u8"));
        Refused("\"a.u8\" is of type UInt8; it must be true or false", () => metadata.Flag("a.u8"));
        Refused("\"a.f32\" is of type Float32; it must be a whole number", () => metadata.Integer("a.f32"));
        Refused("\"list.i32\" is a list of Int32; it must be a whole number", () => metadata.Integer("list.i32"));
        Refused("\"a.i32\" is of type Int32; it must be a list of numbers", () => metadata.Numbers("a.i32"));
        Refused("\"list.i32\" is a list of Int32; it must be a list of texts", () => metadata.Texts("list.i32"));
        Refused("holds 18000000000000000000; the largest number is 9223372036854775807",
            () => metadata.Integer("a.u64"));
        Refused("has no tensor \"first\"", () => file.Read("first", 0, new float[1]));
        Refused("it has 128 elements in blocks of 32", () => file.Read("second.weight", 16, new float[32]));
        Refused("it has 6 elements", () => file.Read("first.weight", 4, new float[3]));
        Refused("it has 24 bytes", () => file.ReadBytes("first.weight", 20, new byte[5]));
    }

    [Fact]
    public void Version_2_is_read_too()
    {
        using var folder = new TemporaryFolder();
        var bytes = File.ReadAllBytes(RawGguf.Fixture("reference.gguf"));
        bytes[4] = 2;
        File.WriteAllBytes(folder.File("x.gguf"), bytes);
        using var file = GgufReader.Open(folder.File("x.gguf"));
        Assert.Equal(3, file.Tensors.Count);
    }

    [Fact]
    public void A_tensor_of_an_unreadable_type_is_refused_when_it_is_read()
    {
        using var folder = new TemporaryFolder();
        var path = new RawGguf(1, 0).Tensor("blk.0.ffn_up.weight", 23, 0, 256).Data(136).Write(folder);
        using var file = GgufReader.Open(path);
        var message = Refused("tensor blk.0.ffn_up.weight has type IQ4_XS (23)",
            () => file.Read("blk.0.ffn_up.weight", 0, new float[256]));
        Assert.Contains("llama-quantize", message);
        Assert.Contains(path, message);
        file.ReadBytes("blk.0.ffn_up.weight", 0, new byte[136]);
    }

    [Fact]
    public void A_file_that_is_cut_short_later_is_noticed()
    {
        using var folder = new TemporaryFolder();
        var path = new RawGguf(1, 0).Tensor("a", 0, 0, 16384).Data(65536).Write(folder);
        using var file = GgufReader.Open(path);
        using (var stream = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            stream.SetLength(4096);
        Refused("was cut short while it was read: it has 4096 bytes now",
            () => file.Read("a", 0, new float[16384]));
    }

    [Fact]
    public void Several_files_are_one_model()
    {
        using var folder = new TemporaryFolder();
        var first = Part(0, 2, 2, "a").Write(folder, "m-00001-of-00002.gguf");
        Part(1, 2, 2, "b").Write(folder, "m-00002-of-00002.gguf");
        using var model = GgufReader.Open(first);
        Assert.Equal(["a", "b"], model.Tensors.Keys);
        Assert.Equal(2, model.Paths.Count);
        var values = new float[8];
        model.Read("b", 0, values);
        Assert.Equal(new float[8], values);
    }

    [Fact]
    public void Files_that_do_not_belong_together_are_refused()
    {
        using var folder = new TemporaryFolder();
        var first = Part(0, 2, 2, "a").Write(folder, "m-00001-of-00002.gguf");
        var second = folder.File("m-00002-of-00002.gguf");
        Refused($"are missing: \"{second}\"", () => GgufReader.Open(first));
        Part(0, 2, 2, "b").Write(folder, "m-00002-of-00002.gguf");
        Refused("the key split.no is 0; as one of these files it must be 1", () => GgufReader.Open(first));
        Part(1, 2, 2, "a").Write(folder, "m-00002-of-00002.gguf");
        Refused("the tensor \"a\" is in an earlier file", () => GgufReader.Open(first));
        Part(1, 3, 2, "b").Write(folder, "m-00002-of-00002.gguf");
        Refused("the key split.count is 3; as one of these files it must be 2", () => GgufReader.Open(first));
        Part(1, 2, 2, "b").Write(folder, "m-00002-of-00002.gguf");
        Refused($"is not the first of 2 files; name \"{first}\"", () => GgufReader.Open(second));
        Part(0, 2, 3, "a").Write(folder, "m-00001-of-00002.gguf");
        Refused("the key split.tensors.count is 3; as one of these files it must be 2", () => GgufReader.Open(first));
        Refused("is one of 2 files (split.count); name the first of them",
            () => GgufReader.Open(Part(0, 2, 2, "a").Write(folder)));
        Refused("is one of 3 files by its name and of 2 by its key",
            () => GgufReader.Open(Part(0, 2, 2, "a").Write(folder, "m-00001-of-00003.gguf")));
    }

    internal static string Refused(string reason, Action open)
    {
        var message = Assert.Throws<CrossheadException>(open).Message;
        Assert.Contains(reason, message);
        Assert.DoesNotContain('\n', message);
        return message;
    }

    private static RawGguf Part(uint number, uint count, uint tensors, string tensor) => new RawGguf(1, 3)
        .Pair("split.no", GgufValueType.UInt16).Bytes((byte)number, 0)
        .Pair("split.count", GgufValueType.UInt16).Bytes((byte)count, 0)
        .Pair("split.tensors.count", GgufValueType.Int32).Number(tensors)
        .Tensor(tensor, 0, 0, 8).Data(32);
}
