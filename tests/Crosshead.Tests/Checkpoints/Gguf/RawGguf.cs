using System.Text;
using Crosshead.Checkpoints.Gguf;

namespace Crosshead.Tests.Checkpoints.Gguf;

/// <summary>Writes GGUF files part by part, valid or not.</summary>
internal sealed class RawGguf
{
    private readonly MemoryStream _bytes = new();
    private readonly BinaryWriter _writer;

    public RawGguf(ulong tensors, ulong pairs, uint version = 3)
    {
        _writer = new BinaryWriter(_bytes);
        _writer.Write("GGUF"u8);
        _writer.Write(version);
        _writer.Write(tensors);
        _writer.Write(pairs);
    }

    public RawGguf Number(uint value) => Then(() => _writer.Write(value));

    public RawGguf Number(ulong value) => Then(() => _writer.Write(value));

    public RawGguf Bytes(params byte[] bytes) => Then(() => _writer.Write(bytes));

    public RawGguf Text(string text, ulong? length = null)
    {
        _writer.Write(length ?? (ulong)Encoding.UTF8.GetByteCount(text));
        return Bytes(Encoding.UTF8.GetBytes(text));
    }

    public RawGguf Pair(string key, GgufValueType type) => Text(key).Number((uint)type);

    public RawGguf Tensor(string name, uint type, ulong offset, params ulong[] dimensions)
    {
        Text(name).Number((uint)dimensions.Length);
        foreach (var size in dimensions) Number(size);
        return Number(type).Number(offset);
    }

    /// <summary>The tensors' bytes, after padding, and padding after them.</summary>
    public RawGguf Data(int count, int alignment = 32)
    {
        Pad(alignment);
        Bytes(new byte[count]);
        return Pad(alignment);
    }

    public byte[] ToArray() => _bytes.ToArray();

    public string Write(TemporaryFolder folder, string name = "x.gguf")
    {
        File.WriteAllBytes(folder.File(name), ToArray());
        return folder.File(name);
    }

    /// <summary>The path of a file that the reference made.</summary>
    public static string Fixture(string name) =>
        Repository.Path($"tests/Crosshead.Tests/Checkpoints/Gguf/Fixtures/{name}");

    private RawGguf Pad(int alignment) => Bytes(new byte[(alignment - (int)(_bytes.Length % alignment)) % alignment]);

    private RawGguf Then(Action write)
    {
        write();
        return this;
    }
}
