using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Optimizer;

/// <summary>
/// Adds the gradients of a table's rows, as all ranks have them, to a part of the sum of the table's gradients, on a
/// CUDA device. Most rows of a large table have none, so that far less is exchanged than the whole table.
/// </summary>
internal static class RowSums
{
    private const int MostThreads = 256, Warp = 32;

    private static readonly RowSource Source = new("row_sums.cu");

    /// <summary>Whether gradients of rows can be added up to a sum of a type.</summary>
    public static bool Supports(Tensor rows, ScalarType sum) => rows.device_type == DeviceType.CUDA
        && sum == ScalarType.Float32 && rows.dtype is ScalarType.Float32 or ScalarType.BFloat16;

    /// <summary>The gradient of a table. Several ranks that exchange rows have the same bits.</summary>
    /// <param name="rows">[…, D]: gradients of the rows that were looked up.</param>
    /// <param name="tokens">[…] int64: to which row of the table each belongs.</param>
    /// <param name="tableRows">Rows V of the table.</param>
    /// <returns>[V, D] float32</returns>
    public static Tensor Of(Tensor rows, Tensor tokens, long tableRows)
    {
        using var scope = NewDisposeScope();
        var width = rows.shape[^1];
        var sum = empty([tableRows, width], ScalarType.Float32, rows.device);
        Add(rows.reshape(-1, width).contiguous(), tokens.flatten(), tokens.numel(), sum, 0, fresh: true);
        return sum.MoveToOuterDisposeScope();
    }

    /// <summary>Adds: the rows of a rank in their order, then the ranks in theirs.</summary>
    /// <param name="rows">[n, D] float32 or bfloat16, dense: as many of each rank, those of rank 0 first.</param>
    /// <param name="tokens">[n] int64: to which row of the table each belongs.</param>
    /// <param name="rowsOfRank">Rows of each rank.</param>
    /// <param name="sum">[m] float32, dense: a part of the table's sums; written.</param>
    /// <param name="start">Where the part begins in the table, counted in elements.</param>
    /// <param name="fresh">Whether the sum begins with these rows, whatever it held before.</param>
    public static void Add(Tensor rows, Tensor tokens, long rowsOfRank, Tensor sum, long start, bool fresh)
    {
        using var scope = NewDisposeScope();
        var (count, width) = (checked((int)rows.shape[0]), (int)rows.shape[1]);
        if (fresh) sum.zero_();
        if (count == 0 || sum.numel() == 0) return;
        var (sorted, order) = tokens.sort(stable: true);
        // A thread's elements are either all of the part or none.
        var whole = start % RowSource.ManyLanes == 0 && sum.numel() % RowSource.ManyLanes == 0;
        var lanes = whole ? RowSource.Lanes(width, rows, sum) : 1;
        var columns = width / lanes;
        var threads = Math.Min(MostThreads, (columns + Warp - 1) / Warp * Warp);
        Source.Kernel(rows.device_index, "row_sums", rows.dtype, lanes).Launch(
            (count, (columns + threads - 1) / threads, 1), threads, 0,
        [
            Aten.DataPointer(rows), Aten.DataPointer(sorted), Aten.DataPointer(order), Aten.DataPointer(sum), start,
            start + sum.numel(), width, count, checked((int)rowsOfRank),
        ]);
        foreach (var tensor in new[] { rows, sorted, order, sum }) GC.KeepAlive(tensor);
    }
}
