using static TorchSharp.torch;

namespace Crosshead.Runtime;

/// <summary>The bytes of tensors in files.</summary>
internal static class TensorBytes
{
    private const long MaxPiece = 1 << 26; // bytes a write

    /// <summary>Writes the elements of a contiguous tensor on the CPU, as they are in memory.</summary>
    public static unsafe void Write(Stream stream, Tensor tensor)
    {
        var start = (byte*)Aten.DataPointer(tensor);
        var bytes = tensor.NumberOfElements * tensor.ElementSize;
        for (var at = 0L; at < bytes; at += MaxPiece)
            stream.Write(new ReadOnlySpan<byte>(start + at, (int)Math.Min(bytes - at, MaxPiece)));
        GC.KeepAlive(tensor);
    }
}
