using static TorchSharp.torch;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Memory on a device in which a model's packed weights become tensors, one after the other. It stays at its place, so
/// that a captured graph can contain its address. Weights larger than it become tensors piece by piece.
/// </summary>
internal sealed class DenseScratch : IDisposable
{
    private const long MostElements = 16 << 20; // 32 MiB: what a device's cache holds costs no memory traffic

    private Tensor? _memory;

    /// <summary>Held while a piece is made and multiplied, so that no other product takes its place.</summary>
    public Lock Using { get; } = new();

    /// <summary>Makes room for a weight; only before the first product.</summary>
    /// <param name="rows">Its rows.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="device">The device.</param>
    public void Reserve(long rows, int columns, Device device)
    {
        var elements = Math.Min(rows * columns, Math.Max(MostElements, columns));
        if (_memory is { } own && own.numel() >= elements && own.device_index == Math.Max(device.index, 0)) return;
        _memory?.Dispose();
        _memory = empty([elements], ScalarType.BFloat16, device).DetachFromDisposeScope();
    }

    /// <summary>Rows of a matrix that there is room for: whole tiles of them, unless they are fewer.</summary>
    public int RowsOf(int columns)
    {
        var rows = (int)(_memory!.numel() / columns);
        return rows < PackedFormat.TileRows ? rows : rows / PackedFormat.TileRows * PackedFormat.TileRows;
    }

    /// <summary>Its beginning as a matrix.</summary>
    public Tensor Matrix(long rows, int columns)
    {
        using var part = _memory!.narrow(0, 0, rows * columns);
        return part.view(rows, columns);
    }

    /// <inheritdoc/>
    public void Dispose() => _memory?.Dispose();
}
