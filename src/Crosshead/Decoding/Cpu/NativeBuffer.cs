using System.Runtime.InteropServices;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Zeroed memory outside the managed heap. The memory is aligned to a cache line and does not move. The system gives
/// large memory page by page, when it is first touched.
/// </summary>
internal sealed unsafe class NativeBuffer<T> : IDisposable where T : unmanaged
{
    private const nuint Alignment = 64;
    private readonly void* _memory;

    /// <summary>Allocates the memory.</summary>
    /// <exception cref="CrossheadException">There is not enough memory.</exception>
    public NativeBuffer(long length)
    {
        Length = length;
        var bytes = (nuint)Math.Max(length, 1) * (nuint)sizeof(T);
        try
        {
            _memory = NativeMemory.AllocZeroed(bytes + Alignment);
        }
        catch (OutOfMemoryException e)
        {
            throw new CrossheadException($"{bytes >> 20} MiB of memory for decoding are not to be had; use fewer "
                + $"sequences, a shorter context or {MessageTerm.Dtype} bfloat16.", e);
        }
        Pointer = (T*)(((nuint)_memory + Alignment - 1) / Alignment * Alignment);
    }

    ~NativeBuffer() => NativeMemory.Free(_memory);

    /// <summary>Number of elements.</summary>
    public long Length { get; }

    /// <summary>The first element; valid until disposal.</summary>
    public T* Pointer { get; private set; }

    /// <summary>Sets one of several equal parts to zero.</summary>
    public void Clear(int part, int parts)
    {
        var size = (int)(Length / parts);
        new Span<T>(Pointer + ((long)part * size), size).Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Pointer is not null) NativeMemory.Free(_memory);
        Pointer = null;
        GC.SuppressFinalize(this);
    }
}
