using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Crosshead.Runtime;

/// <summary>
/// Tensors over the bytes of a <see cref="MappedFile"/>, without a copy. libtorch takes them through DLPack, with a
/// function that is called when the last tensor over the memory, views included, is gone. The map stays until then.
/// (<c>aoti_torch_create_tensor_from_blob</c> of the C interface has no such function.)
/// </summary>
internal static unsafe class MappedTensor
{
    // at::Tensor at::fromDLPack(DLManagedTensor*, std::function<void(void*)>): the result goes where the first argument
    // points.
    private static readonly Lazy<nint> FromDlpack = new(() => NativeLibrary.TryGetExport(LibTorch.CpuLibrary,
        "_ZN2at10fromDLPackEP15DLManagedTensorSt8functionIFvPvEE", out var address) ? address : 0);
    // operator new
    private static readonly Lazy<nint> New = new(
        () => NativeLibrary.GetExport(NativeLibrary.Load("libstdc++.so.6"), "_Znwm"));

    /// <summary>
    /// A contiguous CPU tensor over mapped bytes; a copy if they are not aligned to the element's size, or if libtorch
    /// lacks the function.
    /// </summary>
    /// <param name="map">The map; every byte of the tensor must be within.</param>
    /// <param name="offset">Position of the tensor's first byte.</param>
    /// <param name="type">Element type.</param>
    /// <param name="shape">Shape.</param>
    public static Tensor Over(MappedFile map, long offset, ScalarType type, long[] shape)
    {
        LibTorch.EnsureLoaded();
        var kind = KindOf(type);
        var alignment = kind.Code == Kind.Complex ? kind.Bits / 16 : kind.Bits / 8;
        return (nint)map.At(offset) % alignment != 0 || shape.Contains(0) || FromDlpack.Value == 0
            ? Copy(map, offset, type, shape)
            : Borrow(map, offset, kind, shape);
    }

    /// <summary>A separate tensor with the contents of mapped bytes.</summary>
    /// <inheritdoc cref="Over"/>
    public static Tensor Copy(MappedFile map, long offset, ScalarType type, long[] shape)
    {
        LibTorch.EnsureLoaded();
        var tensor = empty(shape, type);
        var bytes = tensor.NumberOfElements * tensor.ElementSize;
        if (bytes > 0) Buffer.MemoryCopy(map.At(offset), (void*)Aten.DataPointer(tensor), bytes, bytes);
        GC.KeepAlive(map);
        return tensor;
    }

    private static Tensor Borrow(MappedFile map, long offset, Kind kind, long[] shape)
    {
        var held = false;
        map.DangerousAddRef(ref held);
        var managed = (Managed*)NativeMemory.AllocZeroed((nuint)(sizeof(Managed) + shape.Length * sizeof(long)));
        var sizes = (long*)(managed + 1);
        shape.CopyTo(new Span<long>(sizes, shape.Length));
        *managed = new Managed
        {
            Data = map.At(offset),
            DeviceType = Managed.Cpu,
            DeviceId = 0,
            Rank = shape.Length,
            Kind = kind,
            Shape = sizes,
            Strides = null, // contiguous
            ByteOffset = 0,
            Context = GCHandle.ToIntPtr(GCHandle.Alloc(map)),
            Deleter = &Release,
        };
        var noFunction = stackalloc nint[4]; // an empty std::function: Deleter is called instead
        new Span<nint>(noFunction, 4).Clear();
        var tensor = ((delegate* unmanaged<nuint, nint*>)New.Value)((nuint)sizeof(nint));
        ((delegate* unmanaged<nint*, Managed*, nint*, nint*>)FromDlpack.Value)(tensor, managed, noFunction);
        return Tensor.UnsafeCreateTensor((nint)tensor);
    }

    // On the thread that drops the last tensor.
    [UnmanagedCallersOnly]
    private static void Release(Managed* managed)
    {
        var context = GCHandle.FromIntPtr(managed->Context);
        ((MappedFile)context.Target!).DangerousRelease();
        context.Free();
        NativeMemory.Free(managed);
    }

    private static Kind KindOf(ScalarType type) => type switch
    {
        ScalarType.Float64 => new(Kind.Float, 64),
        ScalarType.Float32 => new(Kind.Float, 32),
        ScalarType.Float16 => new(Kind.Float, 16),
        ScalarType.BFloat16 => new(Kind.BrainFloat, 16),
        ScalarType.ComplexFloat32 => new(Kind.Complex, 64),
        ScalarType.Int64 => new(Kind.Signed, 64),
        ScalarType.Int32 => new(Kind.Signed, 32),
        ScalarType.Int16 => new(Kind.Signed, 16),
        ScalarType.Int8 => new(Kind.Signed, 8),
        ScalarType.Byte => new(Kind.Unsigned, 8),
        ScalarType.Bool => new(Kind.Boolean, 8),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "no element type of a mapped tensor"),
    };

    // DLDataType
    private struct Kind(byte code, byte bits)
    {
        public const byte Signed = 0, Unsigned = 1, Float = 2, BrainFloat = 4, Complex = 5, Boolean = 6;

        public byte Code = code;
        public byte Bits = bits;
        public ushort Lanes = 1;
    }

    // DLManagedTensor
    private struct Managed
    {
        public const int Cpu = 1;

        public byte* Data;
        public int DeviceType;
        public int DeviceId;
        public int Rank;
        public Kind Kind;
        public long* Shape;
        public long* Strides;
        public ulong ByteOffset;
        public nint Context;
        public delegate* unmanaged<Managed*, void> Deleter;
    }
}
