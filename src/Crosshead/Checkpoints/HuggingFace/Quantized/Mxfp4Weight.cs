using Crosshead.Checkpoints.Safetensors;
using Crosshead.Runtime;
using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>The weights of all experts of a layer in MXFP4, [E, rows, columns].</summary>
/// <param name="blocks">[E, rows, n, 16]: a block of 16 bytes holds 32 neighbouring numbers of a row.</param>
/// <param name="scales">[E, rows, n]: the power of two of each block.</param>
internal sealed class Mxfp4Weight(SafetensorsEntry blocks, SafetensorsEntry scales)
    : StoredWeight(blocks.Name, [blocks.Shape[0], blocks.Shape[1], Numbers * blocks.Shape[2]], blocks, scales)
{
    /// <summary>Bytes of a block.</summary>
    public const int BlockBytes = 16;

    private const int Numbers = 32;

    /// <inheritdoc/>
    public override string TypeName => "MXFP4";

    /// <inheritdoc/>
    public override bool IsReadable => true;

    /// <inheritdoc/>
    public override IEnumerable<(long Start, long Count)> Pieces
    {
        get
        {
            for (var expert = 0L; expert < Shape[0]; expert++) yield return (expert, 1);
        }
    }

    /// <inheritdoc/>
    public override Tensor Read(WeightFiles files, long start, long count) =>
        Mxfp4.Decode(files.Map(blocks.Name).narrow(0, start, count), files.Map(scales.Name).narrow(0, start, count));

    /// <inheritdoc/>
    public override unsafe WeightMatrix? Packed(WeightFiles files, WeightMemory memory, StoredPart part)
    {
        if (part.Expert is not { } expert || part.IsTransposed || part.Shape[1] > int.MaxValue) return null;
        using var scope = NewDisposeScope();
        var (codes, powers) = (files.Map(blocks.Name), files.Map(scales.Name));
        byte* from = (byte*)Aten.DataPointer(codes), exponents = (byte*)Aten.DataPointer(powers);
        var (rows, perRow) = (Shape[1], (int)blocks.Shape[2]);
        var matrix = memory.OfZeros(WeightFormat.Mxfp4, part.Shape[0], (int)part.Shape[1]);
        Parallel.For(0, part.Shape[0], row =>
        {
            var first = ((expert * rows) + part.RowOf(row)) * perRow;
            var to = matrix.BytesOf(row);
            for (var block = 0; block < perRow; block++, to = to[WeightFormat.Mxfp4.BlockBytes..])
            {
                to[0] = exponents[first + block];
                Halve(new ReadOnlySpan<byte>(from + ((first + block) * BlockBytes), BlockBytes), to[1..]);
            }
        });
        foreach (var tensor in Tensors) files.FileOf(tensor.Name).SetAside(tensor.Name);
        return matrix;
    }

    // A stored byte has numbers 2i and 2i + 1; one of the format has numbers i and i + 16.
    private static void Halve(ReadOnlySpan<byte> stored, Span<byte> block)
    {
        static int Code(ReadOnlySpan<byte> stored, int number) => (stored[number / 2] >> (number % 2 * 4)) & 15;
        for (var i = 0; i < BlockBytes; i++)
            block[i] = (byte)(Code(stored, i) | (Code(stored, i + BlockBytes) << 4));
    }
}
