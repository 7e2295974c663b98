using Crosshead.Kernels.Experts;
using Crosshead.Kernels.Products;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Packed rows of one format on a CUDA device, or some of them.</summary>
/// <param name="Format">The format.</param>
/// <param name="Bytes">The records of all rows that were packed together.</param>
/// <param name="First">The first of these rows among them, at the beginning of a tile.</param>
/// <param name="Rows">Number of rows.</param>
/// <param name="Columns">Numbers of a row.</param>
internal sealed record PackedPart(PackedFormat Format, Tensor Bytes, long First, long Rows, int Columns)
{
    private const int Threads = 256;

    /// <summary>Packs matrices of one format and width, one below the other.</summary>
    /// <param name="sources">The matrices; all but the last have whole tiles of rows.</param>
    /// <param name="device">The device.</param>
    public static PackedPart Of(IReadOnlyList<WeightMatrix> sources, Device device)
    {
        var (format, columns) = (PackedFormat.Of(sources), sources[0].Columns);
        var rows = sources.Sum(s => s.Rows);
        var bytes = empty([format.BytesOf(rows, columns)], ScalarType.Byte, device).DetachFromDisposeScope();
        var first = 0L;
        foreach (var source in sources)
        {
            using var scope = NewDisposeScope();
            var blocks = source.ToBytes().to(device);
            format.Pack(bytes.device_index).Launch((Blocks(PackedFormat.Tiles(source.Rows)
                * PackedFormat.Units(columns) * 32), 1, 1), Threads, 0,
            [
                Aten.DataPointer(blocks), Aten.DataPointer(bytes) + (nint)format.BytesOf(first, columns),
                (int)source.Rows, columns, source.Stride,
            ]);
            first += source.Rows;
        }
        return new PackedPart(format, bytes, 0, rows, columns);
    }

    private nint Address => Aten.DataPointer(Bytes) + (nint)Format.BytesOf(First, Columns);

    /// <summary>Writes rows as bfloat16.</summary>
    /// <param name="output">[count, columns]</param>
    /// <param name="first">The first row.</param>
    public void Read(Tensor output, long first) => Read(output, null, first);

    /// <summary>Writes the rows of tokens as bfloat16.</summary>
    /// <param name="output">[count, columns]</param>
    /// <param name="tokens">Numbers of rows, [count] (int64).</param>
    public void Read(Tensor output, Tensor tokens) => Read(output, tokens, 0);

    /// <summary>Multiplies.</summary>
    /// <param name="x">[tokens, columns]; at most <see cref="PackedPlan.MostTokens"/> with a norm.</param>
    /// <param name="bias">[rows]; null for none.</param>
    /// <param name="output">Receives [tokens, outputs] from a column on.</param>
    /// <param name="column">The column.</param>
    /// <param name="gated">Whether the outputs are silu(gate)·up, whose rows are one half each, of whole tiles.</param>
    /// <param name="norm">The norm of x; null for none.</param>
    /// <param name="residual">Added; of the output's shape. Null for none.</param>
    public void Multiply(Tensor x, Tensor? bias, Tensor output, long column, bool gated, InputNorm? norm,
        Tensor? residual)
    {
        var (outputs, tokens) = ((int)(gated ? Rows / 2 : Rows), (int)(x.numel() / Columns));
        KernelArgument[] arguments =
        [
            Aten.DataPointer(x), Address, Pointer(bias), Pointer(output, column), tokens, outputs, Columns,
            (int)output.shape[^1], Pointer(residual, column),
        ];
        if (tokens <= PackedPlan.MostTokens)
        {
            var plan = PackedPlan.For(x.device_index, Format, tokens, outputs, Columns,
                gated ? ProductGate.Silu : ProductGate.None, norm is not null);
            Format.Multiply(x.device_index, plan).Launch((Parts(outputs, plan.Outputs), 1, 1), 32 * plan.Warps, 0,
                [.. arguments, Pointer(norm?.Weight), (float)(norm?.Epsilon ?? 0), 0f, (nint)0, (nint)0, (nint)0, 1],
                early: true);
        }
        else
        {
            var plan = PackedTilePlan.For(x.device_index, tokens, outputs, Columns, gated);
            Format.Multiply(x.device_index, plan).Launch((plan.Parts, Parts(tokens, plan.Tokens),
                Parts(outputs, plan.Outputs)), 32 * plan.Warps, plan.SharedBytes, arguments, plan.Parts,
                early: true);
        }
        foreach (var tensor in new[] { x, Bytes, bias, output, norm?.Weight, residual }) GC.KeepAlive(tensor);
    }

    /// <summary>Multiplies a few tokens by this and by rows of another format below it, in one launch.</summary>
    /// <param name="second">The rows below.</param>
    /// <param name="x">[tokens, columns]; at most <see cref="PackedPlan.MostTokens"/>.</param>
    /// <param name="bias">[outputs]; null for none.</param>
    /// <param name="output">Receives [tokens, outputs].</param>
    /// <param name="norm">The norm of x; null for none.</param>
    /// <param name="residual">Added; of the output's shape. Null for none.</param>
    public void Multiply(PackedPart second, Tensor x, Tensor? bias, Tensor output, InputNorm? norm, Tensor? residual)
    {
        var tokens = (int)(x.numel() / Columns);
        var plan = PackedPlan.For(x.device_index, Format, tokens, (int)(Rows + second.Rows), Columns, ProductGate.None,
            norm is not null);
        Format.Multiply(x.device_index, plan, second.Format).Launch(
            (Parts(Rows, plan.Outputs) + Parts(second.Rows, plan.Outputs), 1, 1), 32 * plan.Warps, 0,
            [
                Aten.DataPointer(x), Address, Pointer(bias), Pointer(output), tokens, (int)Rows, Columns,
                (int)output.shape[^1], Pointer(residual), Pointer(norm?.Weight), (float)(norm?.Epsilon ?? 0), 0f,
                (nint)0, (nint)0, (nint)0, 1, second.Address, (int)second.Rows,
            ], early: true);
        foreach (var tensor in new[] { x, Bytes, second.Bytes, bias, output, norm?.Weight, residual })
            GC.KeepAlive(tensor);
    }

    /// <summary>Multiplies by one of several matrices, one below the other, that are of an expert each.</summary>
    /// <param name="x">[T, columns]</param>
    /// <param name="bias">[rows]; null for none.</param>
    /// <param name="output">Receives [places, outputs].</param>
    /// <param name="experts">Number of matrices, each of whole tiles.</param>
    /// <param name="routes">Which tokens each expert serves.</param>
    /// <param name="shared">Places that share a row of <paramref name="x"/>: place p reads row p div shared.</param>
    /// <param name="gate">The gate, if half of a matrix' rows are one.</param>
    public void MultiplyExperts(Tensor x, Tensor? bias, Tensor output, int experts, ExpertRoutes routes, int shared,
        ProductGate gate)
    {
        var outputs = (int)output.shape[1];
        // Half of the experts that are chosen serve no more tokens than this; others read their weight again.
        var together = Math.Clamp(2 * routes.Places / experts, 1, Math.Min((int)x.shape[0], PackedPlan.MostTokens));
        var plan = PackedPlan.For(x.device_index, Format, together, outputs, Columns, gate, false, routes.Slots);
        Format.Multiply(x.device_index, plan).Launch((Parts(outputs, plan.Outputs), routes.Slots, 1), 32 * plan.Warps,
            0,
            [
                Aten.DataPointer(x), Address, Pointer(bias), Pointer(output), 0, outputs, Columns, outputs, (nint)0,
                (nint)0, 0f, gate.Limit, Pointer(routes.Chosen), Pointer(routes.Starts), Pointer(routes.Order), shared,
            ], early: true);
        foreach (var tensor in new[] { x, Bytes, bias, output }) GC.KeepAlive(tensor);
        GC.KeepAlive(routes);
    }

    private static nint Pointer(Tensor? tensor, long first = 0) =>
        tensor is null ? 0 : Aten.DataPointer(tensor) + (nint)(first * tensor.ElementSize);

    private void Read(Tensor output, Tensor? tokens, long first)
    {
        var (count, units) = (output.numel() / Columns, PackedFormat.Units(Columns));
        if (tokens is null && first % PackedFormat.TileRows == 0)
            Format.RowsOfTiles(output.device_index).Launch((Blocks(PackedFormat.Tiles(count) * units * 32), 1, 1),
                Threads, 0, [Address, Pointer(output), (int)first, (int)count, Columns]);
        else
            Format.Rows(output.device_index).Launch((Blocks(count * units * 32), 1, 1), Threads, 0,
                [Address, Pointer(output), Pointer(tokens), (int)first, (int)count, Columns]);
        foreach (var tensor in new[] { output, tokens, Bytes }) GC.KeepAlive(tensor);
    }

    private static int Blocks(long threads) => Parts(threads, Threads);

    private static int Parts(long all, int each) => checked((int)((all + each - 1) / each));
}
