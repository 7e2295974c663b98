using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Crosshead.Runtime.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Decoding;

/// <summary>
/// Rows of numbers that were computed on a device, on the host as float32. A GPU writes them to pinned memory, which
/// stays: new memory of tens of megabytes each step would take longer than the step. Numbers in bfloat16 are widened
/// when a row is read. Several threads may read.
/// </summary>
/// <param name="width">Numbers of a row.</param>
internal sealed class HostRows(int width) : IDisposable
{
    private const long MostPinned = 256 << 20; // bytes; more rows are those of long prompts, and asked for once

    private readonly Lock[] _widening = [.. Enumerable.Range(0, 64).Select(_ => new Lock())];
    private PinnedMemory? _pinned;
    private float[] _plain = [];
    private bool[] _isWide = []; // rows in _plain
    private bool _isPinned, _isNarrow;
    private int _count;

    /// <summary>Forgets all rows and makes room for others.</summary>
    /// <param name="rows">How many.</param>
    /// <param name="like">A tensor on their device, of their type.</param>
    public void Begin(int rows, Tensor like)
    {
        _count = 0;
        _isNarrow = like.device_type == DeviceType.CUDA && like.dtype == ScalarType.BFloat16;
        var numbers = (long)rows * width;
        var bytes = numbers * (_isNarrow ? sizeof(ushort) : sizeof(float));
        _isPinned = like.device_type == DeviceType.CUDA && bytes <= MostPinned;
        _isNarrow &= _isPinned;
        if (_isNarrow || !_isPinned)
        {
            if (_plain.LongLength < numbers) _plain = new float[numbers];
            if (_isWide.Length < rows) _isWide = new bool[rows];
            Array.Clear(_isWide);
        }
        if (!_isPinned || _pinned?.Bytes >= bytes) return;
        _pinned?.Dispose();
        _pinned = null;
        _pinned = new PinnedMemory(like.device_index, Math.Min(MostPinned,
            (long)BitOperations.RoundUpToPowerOf2((ulong)bytes)));
    }

    /// <summary>Adds rows behind the others. They may be read after <see cref="Wait"/>.</summary>
    /// <param name="rows">[n, width]; must stay until then.</param>
    public void Add(Tensor rows)
    {
        if (_isNarrow) _pinned!.CopyFrom(rows.contiguous(), (long)_count * width * sizeof(ushort));
        else
        {
            rows = rows.to(ScalarType.Float32).contiguous();
            if (_isPinned) _pinned!.CopyFrom(rows, (long)_count * width * sizeof(float));
            else MemoryMarshal.Cast<byte, float>(rows.cpu().bytes).CopyTo(_plain.AsSpan(_count * width));
        }
        _count += (int)rows.shape[0];
    }

    /// <summary>Waits until the device has written all that was added.</summary>
    public void Wait()
    {
        if (_isPinned) _pinned!.Wait();
    }

    /// <summary>A row, in the order in which they were added.</summary>
    public ReadOnlySpan<float> this[int row]
    {
        get
        {
            if (_isPinned && !_isNarrow) return _pinned!.Of<float>().Slice(row * width, width);
            var wide = _plain.AsSpan(row * width, width);
            if (!_isNarrow) return wide;
            lock (_widening[row % _widening.Length])
            {
                if (!_isWide[row]) Widen(_pinned!.Of<ushort>().Slice(row * width, width), wide);
                _isWide[row] = true;
            }
            return wide;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _pinned?.Dispose();

    private static void Widen(ReadOnlySpan<ushort> from, Span<float> to)
    {
        var i = 0;
        for (; i + Vector256<ushort>.Count <= from.Length; i += Vector256<ushort>.Count)
        {
            var (low, high) = Vector256.Widen(Vector256.Create(from[i..]));
            (low << 16).AsSingle().CopyTo(to[i..]);
            (high << 16).AsSingle().CopyTo(to[(i + Vector256<uint>.Count)..]);
        }
        for (; i < from.Length; i++) to[i] = BitConverter.UInt32BitsToSingle((uint)from[i] << 16);
    }
}
