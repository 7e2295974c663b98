using System.Buffers;
using System.Runtime.InteropServices;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Files;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>
/// The head of a model whose configuration ties the head to the embedding. Files may hold the head, the embedding, or
/// both. Equal tensors are one tensor. If they differ, the head was trained separately, and tying would drop it. The
/// comparison needs no libtorch.
/// </summary>
internal static class TiedHead
{
    /// <summary>The parameters' names.</summary>
    public const string Head = "lm_head.weight", Embedding = "model.embed_tokens.weight";

    private const int ElementsAtOnce = 1 << 16;

    /// <summary>Whether both are stored and differ in a value.</summary>
    /// <exception cref="CrossheadException">A file cannot be read.</exception>
    public static bool Differs(FolderWeights weights)
    {
        var files = weights.Files;
        if (!weights.ByName.TryGetValue(Head, out var storedHead)
            || !weights.ByName.TryGetValue(Embedding, out var storedEmbedding)) return false;
        if (storedHead is not TensorWeight { Entry: var head }
            || storedEmbedding is not TensorWeight { Entry: var embedding }) return true; // one is quantised
        if (!head.Type.IsFloat || !embedding.Type.IsFloat || !head.Shape.SequenceEqual(embedding.Shape)) return true;
        try
        {
            using ElementReader first = new(files.FileOf(head.Name).Path, head),
            second = new(files.FileOf(embedding.Name).Path, embedding);
            for (var start = 0L; start < head.Elements; start += ElementsAtOnce)
            {
                var count = (int)Math.Min(ElementsAtOnce, head.Elements - start);
                if (!Alike(first.Read(start, count), head.Type, second.Read(start, count), embedding.Type, count))
                    return true;
            }
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException(
                $"\"{files.Path}\": its weights cannot be read: {e.Reason()}; get the files again.", e);
        }
    }

    /// <summary>
    /// The parameter of a tied model for a stored tensor: a head without an embedding is the embedding.
    /// </summary>
    public static string ParameterOf(string stored, FolderWeights weights) =>
        stored == Head && !weights.ByName.ContainsKey(Embedding) ? Embedding : stored;

    // The same values, possibly in different precisions or with zeros of different signs.
    private static bool Alike(ReadOnlySpan<byte> a, SafetensorsType typeOfA, ReadOnlySpan<byte> b,
        SafetensorsType typeOfB, int count)
    {
        if (typeOfA == typeOfB && a.SequenceEqual(b)) return true;
        for (var i = 0; i < count; i++)
            if (Value(a, typeOfA, i) != Value(b, typeOfB, i)) return false;
        return true;
    }

    private static double Value(ReadOnlySpan<byte> bytes, SafetensorsType type, int index) => type.Scalar switch
    {
        ScalarType.Float64 => MemoryMarshal.Cast<byte, double>(bytes)[index],
        ScalarType.Float32 => MemoryMarshal.Cast<byte, float>(bytes)[index],
        ScalarType.Float16 => (double)MemoryMarshal.Cast<byte, Half>(bytes)[index],
        _ => BitConverter.Int32BitsToSingle(MemoryMarshal.Cast<byte, ushort>(bytes)[index] << 16), // bfloat16
    };

    // A tensor's elements, some at a time.
    private sealed class ElementReader(string path, SafetensorsEntry tensor) : IDisposable
    {
        private readonly Microsoft.Win32.SafeHandles.SafeFileHandle _file = InputFile.OpenHandle(path);
        private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(ElementsAtOnce * tensor.Type.Bits / 8);

        public ReadOnlySpan<byte> Read(long start, int count)
        {
            var size = tensor.Type.Bits / 8;
            var offset = tensor.Offset + (start * size);
            var left = _buffer.AsSpan(0, count * size);
            while (left.Length > 0)
            {
                var read = RandomAccess.Read(_file, left, offset);
                if (read == 0) throw new EndOfStreamException($"{path} ends at byte {offset}");
                left = left[read..];
                offset += read;
            }
            return _buffer.AsSpan(0, count * size);
        }

        public void Dispose()
        {
            _file.Dispose();
            ArrayPool<byte>.Shared.Return(_buffer);
        }
    }
}
