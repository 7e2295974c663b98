using System.Numerics;
using System.Runtime.InteropServices;
using Crosshead.Runtime.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Decoding;

/// <summary>
/// Rows of float32 that were computed on a device, on the host. A GPU writes them to pinned memory, which stays: new
/// memory of tens of megabytes each step would take longer than the step.
/// </summary>
/// <param name="width">Numbers of a row.</param>
internal sealed class HostRows(int width) : IDisposable
{
    private const long MostPinned = 256 << 20; // bytes; more rows are those of long prompts, and asked for once

    private PinnedMemory? _pinned;
    private float[] _plain = [];
    private bool _isPinned;
    private int _count;

    /// <summary>Forgets all rows and makes room for others.</summary>
    /// <param name="rows">How many.</param>
    /// <param name="device">Where they are computed.</param>
    public void Begin(int rows, Device device)
    {
        _count = 0;
        var bytes = (long)rows * width * sizeof(float);
        _isPinned = device.type == DeviceType.CUDA && bytes <= MostPinned;
        if (!_isPinned)
        {
            if (_plain.LongLength < (long)rows * width) _plain = new float[(long)rows * width];
            return;
        }
        if (_pinned?.Bytes >= bytes) return;
        _pinned?.Dispose();
        _pinned = null;
        _pinned = new PinnedMemory(device.index, Math.Min(MostPinned,
            (long)BitOperations.RoundUpToPowerOf2((ulong)bytes)));
    }

    /// <summary>Adds rows behind the others. They may be read after <see cref="Wait"/>.</summary>
    /// <param name="rows">[n, width], dense, in float32; must stay until then.</param>
    public void Add(Tensor rows)
    {
        if (_isPinned) _pinned!.CopyFrom(rows, (long)_count * width * sizeof(float));
        else MemoryMarshal.Cast<byte, float>(rows.cpu().bytes).CopyTo(_plain.AsSpan(_count * width));
        _count += (int)rows.shape[0];
    }

    /// <summary>Waits until the device has written all that was added.</summary>
    public void Wait()
    {
        if (_isPinned) _pinned!.Wait();
    }

    /// <summary>A row, in the order in which they were added.</summary>
    public ReadOnlySpan<float> this[int row] =>
        (_isPinned ? _pinned!.Of<float>() : _plain.AsSpan()).Slice(row * width, width);

    /// <inheritdoc/>
    public void Dispose() => _pinned?.Dispose();
}
