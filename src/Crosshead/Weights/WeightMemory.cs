using Crosshead.Runtime;

namespace Crosshead.Weights;

/// <summary>
/// Memory for copies of weights, one matrix after another, so that small ones lie in large pages as well. Without large
/// pages, reading takes up to a third longer. The memory is freed with the last of its matrices.
/// </summary>
internal sealed class WeightMemory : IDisposable
{
    private const long PieceBytes = 64 << 20, Alignment = 64;

    private MappedFile? _piece;
    private long _used;

    /// <summary>A matrix of zeros.</summary>
    /// <param name="format">How numbers are stored.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Numbers of a row, whole blocks.</param>
    /// <exception cref="CrossheadException">There is not enough memory.</exception>
    public WeightMatrix OfZeros(WeightFormat format, long rows, int columns)
    {
        var bytes = rows * format.RowBytes(columns);
        if (_piece is null || _piece.Length - _used < bytes)
        {
            var piece = MappedFile.OfZeros(Math.Max(bytes, PieceBytes));
            _piece?.Dispose();
            (_piece, _used) = (piece, 0);
        }
        var matrix = new WeightMatrix(_piece, _used, format, rows, columns);
        _used = Math.Min(_piece.Length, (_used + bytes + Alignment - 1) / Alignment * Alignment);
        return matrix;
    }

    /// <inheritdoc/>
    public void Dispose() => _piece?.Dispose();
}
