using System.Buffers.Binary;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>
/// Puts a quantised weight into blocks of 32 columns that are multiplied as they are. It is done only where each number
/// stays the same to the last bit: the columns of a block share a scale, and the format has scale and zero point.
/// </summary>
internal sealed class WeightPacking
{
    private const int Columns = 32, HalfBytes = 2, SingleBytes = 4;

    private readonly StoredNumbers _codes;
    private readonly ScaleGrid _grid;
    private readonly float[] _scales; // row by row
    private readonly float[]? _zeros; // as many as scales; null for one for all
    private readonly int _offset;

    private WeightPacking(StoredNumbers codes, ZeroPoints zeros, ScaleGrid grid, WeightFiles files)
    {
        (_codes, _grid, _offset) = (codes, grid, zeros.Offset);
        _scales = Floats(grid.Numbers, files);
        if (zeros.Stored is { } stored) _zeros = [.. Floats(stored, files).Select(zero => zero + zeros.Offset)];
    }

    private bool IsFloat8 => _codes is PlainNumbers { IsFloat8: true };

    /// <summary>Packs a weight whose columns are in order.</summary>
    /// <param name="codes">The codes.</param>
    /// <param name="zeros">The codes that stand for zero.</param>
    /// <param name="grid">The scales.</param>
    /// <param name="files">The files with all of them.</param>
    /// <param name="pieces">The rows to read at once.</param>
    /// <param name="memory">Where the blocks go.</param>
    /// <returns>The weight; null if no format has its numbers.</returns>
    public static WeightMatrix? Of(StoredNumbers codes, ZeroPoints zeros, ScaleGrid grid, WeightFiles files,
        IEnumerable<(long Start, long Count)> pieces, WeightMemory memory)
    {
        if (codes.Columns % Columns != 0 || codes.Columns > int.MaxValue
            || (grid.Numbers.Columns > 1 && grid.ColumnsEach % Columns != 0)) return null;
        using var scope = NewDisposeScope();
        var packing = new WeightPacking(codes, zeros, grid, files);
        if (packing.Format() is not { } format) return null;
        var matrix = memory.OfZeros(format, codes.Rows, (int)codes.Columns);
        if (pieces.All(piece => packing.Fill(matrix, files, piece.Start, piece.Count))) return matrix;
        matrix.Dispose();
        return null;
    }

    private WeightFormat? Format()
    {
        if (IsFloat8) return WeightFormat.F8;
        if (!_scales.All(scale => float.IsFinite(scale) && (float)(Half)scale == scale)) return null;
        if (_codes is not PackedNumbers { Bits: <= 4 }) return WeightFormat.Q8Zero;
        return _zeros?.All(zero => zero == 8) ?? _offset == 8 ? WeightFormat.Q4Zero : WeightFormat.Q4Point;
    }

    // Whether every number of some rows has a place in the format.
    private bool Fill(WeightMatrix matrix, WeightFiles files, long start, long count)
    {
        using var scope = NewDisposeScope();
        var (columns, all) = (matrix.Columns, 1);
        var codes = IsFloat8 ? null : _codes.Read(files, start, count).data<float>().ToArray();
        var bytes = IsFloat8 ? ((PlainNumbers)_codes).ReadBytes(files, start, count) : null;
        Parallel.For(0, count, row =>
        {
            var to = matrix.BytesOf(start + row);
            for (var column = 0; column < columns; column += Columns, to = to[matrix.Format.BlockBytes..])
            {
                var group = ((start + row) / _grid.RowsEach * _grid.Numbers.Columns) + (column / _grid.ColumnsEach);
                var (at, scale) = ((int)(row * columns) + column, _scales[group]);
                if (!(bytes is not null ? Float8(bytes.AsSpan(at, Columns), scale, to)
                    : Whole(codes.AsSpan(at, Columns), (int)(_zeros?[group] ?? _offset), scale, matrix.Format, to)))
                    Volatile.Write(ref all, 0);
            }
        });
        return all == 1;
    }

    private static bool Float8(ReadOnlySpan<byte> codes, float scale, Span<byte> block)
    {
        BinaryPrimitives.WriteSingleLittleEndian(block, scale);
        codes.CopyTo(block[SingleBytes..]);
        return !codes.ContainsAny<byte>(0x7F, 0xFF); // NaN is refused elsewhere
    }

    private static bool Whole(ReadOnlySpan<float> codes, int zero, float scale, WeightFormat format, Span<byte> block)
    {
        BinaryPrimitives.WriteHalfLittleEndian(block, (Half)scale);
        block = block[HalfBytes..];
        if (format == WeightFormat.Q8Zero)
        {
            for (var i = 0; i < Columns; i++)
            {
                var code = (int)codes[i] - zero;
                if (code != (sbyte)code) return false;
                block[i] = unchecked((byte)code);
            }
            return true;
        }
        if (format == WeightFormat.Q4Point)
        {
            if (zero is < 0 or > byte.MaxValue) return false;
            block[0] = (byte)zero;
            block = block[1..];
        }
        for (var i = 0; i < Columns / 2; i++) block[i] = (byte)((int)codes[i] | ((int)codes[i + (Columns / 2)] << 4));
        return true;
    }

    private static float[] Floats(StoredNumbers numbers, WeightFiles files) =>
        numbers.Read(files, 0, numbers.Rows).data<float>().ToArray();
}
