using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Crosshead.Kernels.Common;
using Crosshead.Runtime.Cuda;
using Crosshead.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// How a quantised weight lies on a CUDA device (<c>packed_weights.cuh</c>): tiles of 16 rows and 256 columns, each a
/// record of as many bytes as its blocks have, but for a few.
/// </summary>
/// <param name="name">The format's name in the source.</param>
/// <param name="recordBytes">Bytes of a record.</param>
internal sealed class PackedFormat(string name, int recordBytes)
{
    /// <summary>Rows of a tile.</summary>
    public const int TileRows = 16;

    /// <summary>Columns of a record.</summary>
    public const int UnitColumns = 256;

    // 16 bytes a lane for 4 bits of each number or 1 more, factors of runs, and factors of blocks.
    private const int Vector = 512, Plane = 256, Tail = 64;

    private const int WideBlocks = 4; // of 32 columns: FP8 has scales for 128 of them, or for more

    private static readonly Dictionary<WeightFormat, PackedFormat> s_all = new()
    {
        [WeightFormat.Q8Zero] = new("Q8_0", (8 * Vector) + Plane),
        [WeightFormat.Q4Zero] = new("Q4_0", (4 * Vector) + Plane),
        [WeightFormat.Q4One] = new("Q4_1", (4 * Vector) + (2 * Plane)),
        [WeightFormat.Q5Zero] = new("Q5_0", (5 * Vector) + Plane),
        [WeightFormat.Q5One] = new("Q5_1", (5 * Vector) + (2 * Plane)),
        [WeightFormat.Q4K] = new("Q4_K", (4 * Vector) + Plane + Tail),
        [WeightFormat.Q5K] = new("Q5_K", (5 * Vector) + Plane + Tail),
        [WeightFormat.Q6K] = new("Q6_K", (6 * Vector) + Plane + Tail),
        [WeightFormat.Q4Point] = new("Q4_POINT", (4 * Vector) + (2 * Plane)),
        [WeightFormat.F8] = new("F8", (8 * Vector) + (2 * Plane)),
        [WeightFormat.Mxfp4] = new("MXFP4", (4 * Vector) + Plane),
    };

    private static readonly PackedFormat s_wideFloats = new("F8_WIDE", (8 * Vector) + (2 * Tail));

    private static readonly string[] s_formats = ["packed_weights.cuh", "packed_formats.cuh"];

    private static readonly Lazy<string> s_pack = new(
        () => KernelText.Read(["bfloat16.cuh", .. s_formats, "packed_layout.cuh", "pack_weight.cu"]));
    private static readonly Lazy<string> s_rows = new(() => KernelText.Read(
        ["bfloat16.cuh", .. s_formats, "packed_layout.cuh", "packed_records.cuh", "packed_rows.cu"]));
    private static readonly Lazy<string> s_multiply = new(() =>
    {
        var product = KernelText.Read("packed_layout.cuh", "packed_columns.cuh", "packed_product.cuh");
        return $$"""
            {{KernelText.Read(["bfloat16.cuh", "tensor_cores.cuh", "launches.cuh", "gates.cuh", .. s_formats])}}
            namespace first {
            {{product}}
            }
            #ifdef SECOND
            #undef FORMAT
            #define FORMAT SECOND
            namespace second {
            {{product}}
            }
            #endif
            {{KernelText.Read("packed_matmul.cu")}}
            """;
    });
    private static readonly Lazy<string> s_tiles = new(() => KernelText.Read(["bfloat16.cuh", "tensor_cores.cuh",
        "launches.cuh", "clusters.cuh", .. s_formats, "packed_layout.cuh", "packed_records.cuh", "packed_tiles.cu"]));

    private readonly string _name = name;
    private readonly ConcurrentDictionary<(int Device, string Name, object? Variant), CudaKernel> _kernels = new();

    /// <summary>Whether its numbers have 8 bits.</summary>
    public bool IsOfBytes => recordBytes > 8 * Vector;

    /// <summary>The packed form of a format; null for formats that have none.</summary>
    public static PackedFormat? Of(WeightFormat format) => s_all.GetValueOrDefault(format);

    /// <summary>
    /// The packed form of matrices of one format: one with fewer factors where many columns share them.
    /// </summary>
    public static PackedFormat Of(IReadOnlyList<WeightMatrix> matrices) =>
        matrices[0].Format == WeightFormat.F8 && matrices.All(HasWideFactors) ? s_wideFloats
            : s_all[matrices[0].Format];

    // Whether four blocks in a row always have the same factor, with which a block begins.
    private static bool HasWideFactors(WeightMatrix matrix)
    {
        var (blocks, length) = (matrix.Columns / matrix.Format.BlockSize, matrix.Format.BlockBytes);
        return blocks % WideBlocks == 0 && Enumerable.Range(0, (int)matrix.Rows).AsParallel().All(row =>
        {
            ReadOnlySpan<byte> bytes = matrix.BytesOf(row);
            var same = true;
            for (var block = 0; block < blocks; block++)
                same &= MemoryMarshal.Read<int>(bytes[(block * length)..])
                    == MemoryMarshal.Read<int>(bytes[(block / WideBlocks * WideBlocks * length)..]);
            return same;
        });
    }

    /// <summary>Whether a device multiplies packed weights by vectors of a type.</summary>
    public static bool Serves(ScalarType type, Device device) => type == ScalarType.BFloat16
        && device.type == DeviceType.CUDA && Nvrtc.IsAvailable
        && CudaDevice.Get(Math.Max(device.index, 0)).HasBrainFloat;

    /// <summary>Bytes of a matrix.</summary>
    public long BytesOf(long rows, int columns) => Tiles(rows) * Units(columns) * recordBytes;

    /// <summary>The kernel that makes records of blocks.</summary>
    public CudaKernel Pack(int device) => Kernel(device, s_pack, "pack_weight", null, static () => []);

    /// <summary>The kernel that makes numbers of rows, whichever they are.</summary>
    public CudaKernel Rows(int device) => Kernel(device, s_rows, "packed_rows", null, static () => []);

    /// <summary>The kernel that makes numbers of whole records.</summary>
    public CudaKernel RowsOfTiles(int device) => Kernel(device, s_rows, "packed_tile_rows", null, static () => []);

    /// <summary>The kernel that multiplies by a few tokens.</summary>
    public CudaKernel Multiply(int device, PackedPlan plan) =>
        Kernel(device, s_multiply, "packed_matmul", plan, () => plan.Defines);

    /// <summary>The same of this weight and one of another format below it.</summary>
    public CudaKernel Multiply(int device, PackedPlan plan, PackedFormat second) =>
        Kernel(device, s_multiply, "packed_matmul", (plan, second), () => [.. plan.Defines, $"SECOND={second._name}"]);

    /// <summary>The kernel that multiplies by many.</summary>
    public CudaKernel Multiply(int device, PackedTilePlan plan) =>
        Kernel(device, s_tiles, "packed_tiles", plan with { Parts = 1 }, () => plan.Defines);

    /// <summary>Tiles of so many rows.</summary>
    public static long Tiles(long rows) => (rows + TileRows - 1) / TileRows;

    /// <summary>Records of a tile.</summary>
    public static int Units(int columns) => (columns + UnitColumns - 1) / UnitColumns;

    private CudaKernel Kernel(int device, Lazy<string> source, string function, object? variant,
        Func<string[]> defines)
    {
        if (_kernels.TryGetValue((device, function, variant), out var known)) return known;
        return _kernels[(device, function, variant)] =
            CudaKernel.Load(device, source.Value, function, [$"FORMAT={_name}", .. defines()]);
    }
}
