using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Runtime.MachineCode;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Products of tiles of 16 or 32 rows with many vectors, in machine code for processors with AVX512_VNNI. The codes of
/// some runs are read in the order of lanes, then the vectors are multiplied by them. The sums have the bits of
/// <see cref="CodeProducts{T}"/>: products of integers are exact, and all else is computed in the same order.
/// </summary>
[SkipLocalsInit] // nothing is read before it was written
internal sealed unsafe class CodeTile<T> where T : unmanaged, ICodeBlock
{
    private const int Lanes = RowProducts.Lanes, Register = 64, Runs = 8; // that are read before they are multiplied

    private readonly delegate* unmanaged[SuppressGCTransition]<CodeTileArguments*, void> _one, _two;

    private CodeTile(nint one, nint two)
    {
        _one = (delegate* unmanaged[SuppressGCTransition]<CodeTileArguments*, void>)one;
        _two = (delegate* unmanaged[SuppressGCTransition]<CodeTileArguments*, void>)two;
    }

    /// <summary>The products of the format; null where the processor or the system cannot run them.</summary>
    public static CodeTile<T>? Instance { get; } = GeneratedCode.HasByteProducts
        && GeneratedCode.Make(new CodeTileWriter(ShapeOf(1)).Write) is not 0 and var one
        && GeneratedCode.Make(new CodeTileWriter(ShapeOf(2)).Write) is not 0 and var two ? new(one, two) : null;

    // Of a block: [runs, groups, 16] scales and [runs, 16] minima.
    private static int BlockScales
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => T.Runs * (T.Groups + (T.Center == 0 ? 1 : 0)) * Lanes;
    }

    // That are read before they are multiplied.
    private static int Blocks
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Math.Max(1, Runs / T.Runs);
    }

    /// <summary>Adds the products of a tile of rows with all vectors to sums.</summary>
    /// <param name="w">The first row.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="sixteens">Rows of the tile, in sixteens: 1 or 2.</param>
    /// <param name="columns">Columns, whole blocks.</param>
    /// <param name="records">[columns / 32, vectors]: the vectors, rounded.</param>
    /// <param name="vectors">Number of vectors.</param>
    /// <param name="sums">[vectors, sixteens, 16]; added to.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Multiply(byte* w, long stride, int sixteens, int columns, byte* records, int vectors, float* sums)
    {
        var memory = stackalloc byte[(Runs * 2 * NarrowTile.Bytes) + (2 * Blocks * BlockScales * sizeof(float))
            + Register];
        var codes = (byte*)(((nint)memory + Register - 1) / Register * Register);
        var scales = (float*)(codes + (Runs * 2 * NarrowTile.Bytes));
        var arguments = new CodeTileArguments
        {
            Codes = codes,
            Scales = scales,
            Records = records,
            RunBytes = (long)vectors * InputCodes.RecordBytes,
            Sums = sums,
            Ahead = w + (sixteens * Lanes * stride),
        };
        var end = w + ((long)columns / (InputCodes.Columns * T.Runs) * T.Bytes);
        while (w < end)
        {
            var blocks = (int)Math.Min(Blocks, (end - w) / T.Bytes);
            for (var rows = 0; rows < sixteens; rows++)
            {
                var first = w + (rows * Lanes * stride);
                var to = scales + (rows * Blocks * BlockScales);
                var together = EightScales.CanRead(T.Bytes) && blocks == EightScales.Blocks;
                if (together) EightScales.Store(first, stride, T.Bytes, to);
                for (var block = 0; block < blocks; block++, first += T.Bytes)
                {
                    if (!together) T.Prepare(first, stride, to + (block * BlockScales));
                    for (var run = 0; run < T.Runs; run++)
                        Read(first, stride, run, codes
                            + ((((block * T.Runs) + run) * sixteens) + rows) * NarrowTile.Bytes);
                }
            }
            w += blocks * T.Bytes;
            arguments.CodesEnd = codes + (blocks * T.Runs * sixteens * NarrowTile.Bytes);
            (sixteens == 1 ? _one : _two)(&arguments);
            arguments.Records += blocks * T.Runs * arguments.RunBytes;
            arguments.Ahead += blocks * T.Bytes * sixteens * Lanes;
        }
    }

    private static CodeTileShape ShapeOf(int sixteens) => new(sixteens, T.Groups, T.Center > 0,
        (T.Runs > 1 ? T.Groups : BlockScales / Lanes) * Register, T.Runs * T.Groups * Register,
        Blocks * BlockScales * sizeof(float), T.Bytes * sixteens * Lanes / T.Runs);

    // The codes of a run in sixteen rows.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Read(byte* w, long stride, int run, byte* codes)
    {
        var far = 4 * stride;
        var (a0, b0) = T.Load(w, far, run);
        var (a1, b1) = T.Load(w + stride, far, run);
        var (a2, b2) = T.Load(w + (2 * stride), far, run);
        var (a3, b3) = T.Load(w + (3 * stride), far, run);
        var (c0, c1, c2, c3) = CodeLanes.Sixteen(a0, a1, a2, a3);
        c0.Store(codes);
        c1.Store(codes + Register);
        c2.Store(codes + (2 * Register));
        c3.Store(codes + (3 * Register));
        var (c4, c5, c6, c7) = CodeLanes.Sixteen(b0, b1, b2, b3);
        c4.Store(codes + (4 * Register));
        c5.Store(codes + (5 * Register));
        c6.Store(codes + (6 * Register));
        c7.Store(codes + (7 * Register));
    }
}
