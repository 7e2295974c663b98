using Crosshead.Checkpoints.Safetensors;
using Crosshead.Kernels.Common;
using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>
/// A weight [rows, columns] whose values are (code − zero point) · scale. All methods store this; they differ in the
/// layout of the codes, and in how many elements share a scale. Values are float32: a code and a 16-bit scale give an
/// exact product.
/// </summary>
/// <param name="module">The module.</param>
/// <param name="codes">The codes.</param>
/// <param name="zeros">The codes that stand for zero.</param>
/// <param name="scales">The scales.</param>
internal sealed class QuantizedWeight(ModuleTensors module, StoredNumbers codes, ZeroPoints zeros, ScaleGrid scales)
    : StoredWeight(module.Weight, [codes.Rows, codes.Columns], TensorsOf(codes, zeros, scales))
{
    private const long ElementsPerPiece = 1 << 18; // so that little memory is needed beside the parameter

    /// <inheritdoc/>
    public override string TypeName => codes.TypeName;

    /// <inheritdoc/>
    public override bool IsReadable => true;

    /// <inheritdoc/>
    public override IEnumerable<(long Start, long Count)> Pieces
    {
        get
        {
            var rows = Math.Max(1, ElementsPerPiece / Math.Max(1, codes.Columns));
            for (var start = 0L; start < codes.Rows; start += rows)
                yield return (start, Math.Min(rows, codes.Rows - start));
        }
    }

    /// <inheritdoc/>
    public override Tensor Read(WeightFiles files, long start, long count)
    {
        using var scope = NewDisposeScope();
        var values = codes.Read(files, start, count);                                          // [n, columns]
        var groups = Groups(files);
        // Columns in order are whole groups side by side, so that nothing is repeated for each of them.
        var parts = groups is null ? values.view(count, scales.Numbers.Columns, -1) : values;  // [n, groups, size]
        if (zeros.Stored is { } stored) parts.sub_(Spread(stored, files, start, count, groups));
        if (zeros.Offset != 0) parts.sub_(zeros.Offset);
        var factors = Spread(scales.Numbers, files, start, count, groups);
        if (NonFinite.Count(factors) > 0)
            throw module.Error($"tensor \"{scales.Numbers.Entry.Name}\" holds scales that are NaN or infinite");
        parts.mul_(factors);
        return values.MoveToOuterDisposeScope();
    }

    /// <summary>Its numbers are those of <see cref="Read"/>, to the last bit.</summary>
    public override WeightMatrix? Packed(WeightFiles files, WeightMemory memory, StoredPart part)
    {
        if (!part.IsWhole) return null;
        using var scope = NewDisposeScope();
        if (NamedGroups(files) is not null) return null;
        var packed = WeightPacking.Of(codes, zeros, scales, files, Pieces, memory);
        if (packed is not null)
            foreach (var tensor in Tensors) files.FileOf(tensor.Name).SetAside(tensor.Name);
        return packed;
    }

    private static SafetensorsEntry[] TensorsOf(StoredNumbers codes, ZeroPoints zeros, ScaleGrid scales) =>
        [.. new[] { codes.Entry, scales.Numbers.Entry, zeros.Stored?.Entry, scales.GroupOfColumn }
            .OfType<SafetensorsEntry>()];

    // The numbers that belong to some rows of the matrix: [R, C] → [n, groups, 1], or [n, columns] if groups are named.
    private Tensor Spread(StoredNumbers numbers, WeightFiles files, long start, long count, Tensor? groups)
    {
        var first = start / scales.RowsEach;
        var rows = numbers.Read(files, first, ((start + count - 1) / scales.RowsEach) - first + 1);
        if (scales.RowsEach > 1)
            rows = rows.index_select(0, Indices(count, i => ((start + i) / scales.RowsEach) - first));
        return (groups is null ? rows.unsqueeze(-1) : rows.index_select(1, groups)).contiguous();
    }

    // The group of each column, [columns]; null if the columns are whole groups in order.
    private Tensor? Groups(WeightFiles files)
    {
        if (NamedGroups(files) is { } named) return named;
        var (columns, groups) = (codes.Columns, scales.Numbers.Columns);
        return groups == 1 || columns == groups * scales.ColumnsEach ? null
            : Indices(columns, i => i / scales.ColumnsEach);
    }

    // The group of each column that the file names, [columns]; null if the columns are in order.
    private Tensor? NamedGroups(WeightFiles files)
    {
        if (scales.GroupOfColumn is not { } entry) return null;
        var stored = files.Map(entry.Name).to(ScalarType.Int64);
        var named = stored.data<long>().ToArray();
        var (least, most, groups) = (named.Min(), named.Max(), scales.Numbers.Columns);
        if (least < -1 || most >= groups)
            throw module.Error($"tensor \"{entry.Name}\" names groups from {least} to {most}; there are {groups}, "
                + $"from 0");
        // -1 says that nothing was filled in: the columns are in order.
        return least < 0 || named.Select((group, i) => group == i / scales.ColumnsEach).All(same => same) ? null
            : stored;
    }

    private static Tensor Indices(long count, Func<long, long> index)
    {
        var indices = new long[count];
        for (var i = 0L; i < count; i++) indices[i] = index(i);
        return tensor(indices);
    }
}
