using static TorchSharp.torch;

namespace Crosshead.Checkpoints.Safetensors;

/// <summary>A parameter in a stored tensor: the whole tensor, or some rows of it.</summary>
/// <param name="Name">The parameter.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Expert">Index along the stored tensor's first dimension; null if it has no experts.</param>
/// <param name="Start">First row, within the expert if there is one; null if the tensor is the parameter.</param>
internal sealed record StoredPart(string Name, long[] Shape, long? Expert = null, long? Start = null)
{
    /// <summary>From one of its rows to the next in the stored tensor.</summary>
    public long Step { get; init; } = 1;

    /// <summary>Whether rows lie along the last dimension of the stored tensor.</summary>
    public bool IsTransposed { get; init; }

    /// <summary>
    /// For each row of a head, its place among the head's rows in the file; null for the same place.
    /// </summary>
    public long[]? Order { get; init; }

    /// <summary>Whether the tensor is the parameter, as it is.</summary>
    public bool IsWhole => Start is null;

    /// <summary>The row of the stored tensor, or of its expert, that is a row of the parameter.</summary>
    public long RowOf(long row) => (Start ?? 0)
        + (Step * (Order is null ? row : (row / Order.Length * Order.Length) + Order[row % Order.Length]));

    /// <summary>
    /// The first row of the parameter, over all rows of the stored tensor; null if its rows do not follow each other
    /// there.
    /// </summary>
    /// <param name="stored">Shape of the stored tensor.</param>
    public long? FirstRow(long[] stored) => IsWhole ? 0
        : IsTransposed || Order is not null || Step != 1 || Shape.Length != 2 ? null
        : (Expert is { } expert ? expert * stored[1] : 0L) + Start;

    /// <summary>Writes those of the parameter's rows that lie in a piece of the stored tensor.</summary>
    /// <param name="values">The piece, along the stored tensor's first dimension.</param>
    /// <param name="start">Index of its first.</param>
    /// <param name="write">Takes rows that follow each other in the parameter, and the index of the first.</param>
    public void Copy(Tensor values, long start, Action<Tensor, long> write)
    {
        if (values.dim() == 0)
        {
            write(values, 0);
            return;
        }
        if (Expert is { } expert)
        {
            if (expert < start || expert >= start + values.shape[0]) return;
            (values, start) = (values.select(0, expert - start), 0);
        }
        if (IsTransposed) values = values.t();
        var end = start + values.shape[0];
        if (Order is null && Step == 1)
        {
            var own = Start ?? 0;
            var (first, last) = (Math.Max(start, own), Math.Min(end, own + Shape[0]));
            if (first < last) write(values.narrow(0, first - start, last - first), first - own);
            return;
        }
        for (long row = 0, next; row < Shape[0]; row = next)
        {
            var from = new List<long>();
            for (next = row; next < Shape[0] && RowOf(next) >= start && RowOf(next) < end; next++)
                from.Add(RowOf(next) - start);
            if (next == row) next++;
            else write(values.index_select(0, tensor(from.ToArray())), row);
        }
    }

    /// <summary>Rows of heads in the order of a file, from a parameter's.</summary>
    public static Tensor Unordered(Tensor rows, long[] order)
    {
        var places = new long[order.Length];
        for (var i = 0; i < order.Length; i++) places[order[i]] = i;
        return rows.unflatten(0, -1, order.Length).index_select(1, tensor(places, device: rows.device)).flatten(0, 1);
    }
}
