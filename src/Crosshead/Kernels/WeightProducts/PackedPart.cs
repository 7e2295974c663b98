using Crosshead.Runtime;
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
        var (format, columns) = (PackedFormat.Of(sources[0].Format)!, sources[0].Columns);
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

    /// <summary>Multiplies by a few tokens.</summary>
    /// <param name="x">[tokens, columns]</param>
    /// <param name="bias">[rows]; null for none.</param>
    /// <param name="output">Receives [tokens, outputs] from a column on.</param>
    /// <param name="column">The column.</param>
    /// <param name="plan">How.</param>
    public void Multiply(Tensor x, Tensor? bias, Tensor output, long column, PackedPlan plan)
    {
        var (outputs, tokens) = ((int)(plan.Gated ? Rows / 2 : Rows), (int)(x.numel() / Columns));
        var grid = ((outputs + plan.Outputs - 1) / plan.Outputs, (tokens + plan.TokensOfBlock - 1)
            / plan.TokensOfBlock, 1);
        Format.Multiply(x.device_index, plan).Launch(grid, 32 * plan.Warps, 0,
        [
            Aten.DataPointer(x), Address, bias is null ? 0 : Aten.DataPointer(bias),
            Aten.DataPointer(output) + (nint)(column * output.ElementSize), tokens, outputs, Columns,
            (int)output.shape[^1],
        ], early: true);
        foreach (var tensor in new[] { x, Bytes, bias, output }) GC.KeepAlive(tensor);
    }

    private void Read(Tensor output, Tensor? tokens, long first)
    {
        var (count, together) = (output.numel() / Columns, tokens is null ? PackedFormat.TileRows : 1);
        var threads = (count + together - 1) / together * together * PackedFormat.Units(Columns) * 32;
        Format.Rows(output.device_index, tokens is null).Launch((Blocks(threads), 1, 1), Threads, 0,
        [
            Address, Aten.DataPointer(output), tokens is null ? 0 : Aten.DataPointer(tokens), (int)first, (int)count,
            Columns,
        ]);
        foreach (var tensor in new[] { output, tokens, Bytes }) GC.KeepAlive(tensor);
    }

    private static int Blocks(long threads) => checked((int)((threads + Threads - 1) / Threads));
}
