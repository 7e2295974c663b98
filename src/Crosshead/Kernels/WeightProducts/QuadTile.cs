using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Crosshead.Runtime.MachineCode;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Products of sixteen rows of <see cref="Weights.WeightFormat.Q4K"/> with one vector, in machine code for processors
/// with AVX512_VNNI. The sums have the bits of <see cref="CodeProducts{T}"/>: products of integers are exact, and all
/// else is computed in the same order.
/// </summary>
[SkipLocalsInit] // nothing is read before it was written
internal sealed unsafe class QuadTile
{
    /// <summary>Bytes that <see cref="Arrange"/> makes of a run.</summary>
    public const int InputBytes = 64;

    private const int Blocks = 4, // whose scales are computed before they are multiplied
        Runs = 8, BlockScales = 2 * Runs * RowProducts.Lanes;

    private readonly delegate* unmanaged[SuppressGCTransition]<QuadTileArguments*, void> _near, _wide;

    private QuadTile(nint near, nint wide)
    {
        _near = (delegate* unmanaged[SuppressGCTransition]<QuadTileArguments*, void>)near;
        _wide = (delegate* unmanaged[SuppressGCTransition]<QuadTileArguments*, void>)wide;
    }

    /// <summary>The products; null where the processor or the system cannot run them.</summary>
    public static QuadTile? Instance { get; } = GeneratedCode.HasByteProducts
        && GeneratedCode.Make(new QuadTileWriter(asksAgain: false).Write) is not 0 and var near
        && GeneratedCode.Make(new QuadTileWriter(asksAgain: true).Write) is not 0 and var wide ? new(near, wide) : null;

    /// <summary>
    /// Arranges the codes of a vector: for four runs the first halves of the first and the third run, twice, their
    /// other halves, then the same of the second and the fourth run.
    /// </summary>
    /// <param name="records">[runs]: the vector.</param>
    /// <param name="runs">Number of runs, a multiple of 4.</param>
    /// <param name="inputs">[runs, 64]; receives the codes.</param>
    public static void Arrange(byte* records, int runs, byte* inputs)
    {
        const int Record = InputCodes.RecordBytes, Half = InputCodes.Columns / 2;
        for (var run = 0; run < runs; run += 4, records += 4 * Record)
        {
            for (var i = 0; i < 4; i++, inputs += InputBytes)
            {
                var first = records + (i / 2 * Record) + (i % 2 * Half);
                var both = Vector256.Create(Vector128.Load(first), Vector128.Load(first + (2 * Record)));
                both.Store(inputs);
                both.Store(inputs + Vector256<byte>.Count);
            }
        }
    }

    /// <summary>The products of sixteen rows.</summary>
    /// <param name="w">The first row.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="blocks">Blocks of a row.</param>
    /// <param name="records">The vector.</param>
    /// <param name="inputs">Its codes in another order.</param>
    /// <param name="next">Bytes that are asked for meanwhile, as many as the rows have.</param>
    /// <param name="isWide">Whether the first cache has lost some of the rows since they were asked for.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public Vector512<float> Multiply(byte* w, long stride, int blocks, byte* records, byte* inputs, byte* next,
        bool isWide)
    {
        var scales = stackalloc float[Blocks * BlockScales];
        var sums = Vector512<float>.Zero;
        var arguments = new QuadTileArguments
        {
            Stride = stride,
            Scales = scales,
            Records = records,
            Inputs = inputs,
            Next = next,
            Sums = (float*)&sums,
            Lower = 0x0f0f0f0f,
            Upper = unchecked((int)0xf0f0f0f0),
        };
        for (int first = 0, count; first < blocks; first += count)
        {
            count = Math.Min(Blocks, blocks - first);
            arguments.Weights = w + (first * Q4KCodes.Bytes);
            arguments.Blocks = count;
            for (var block = 0; block < count; block++)
                CodeScales.Large(arguments.Weights + (block * Q4KCodes.Bytes), stride, scales + (block * BlockScales));
            (isWide ? _wide : _near)(&arguments);
            arguments.Records += count * Runs * InputCodes.RecordBytes;
            arguments.Inputs += count * Runs * InputBytes;
            arguments.Next += count * Q4KCodes.Bytes * RowProducts.Lanes;
        }
        return sums;
    }
}
