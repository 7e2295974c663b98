using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Kernels.StepAttention;

/// <summary>
/// The scales of a cache on a CUDA device whose numbers have 8 bits: int8, or e4m3 as bytes (<c>scaled_rows.cu</c>).
/// </summary>
/// <param name="Keys">Of keys, [B, rows · groups, capacity] in bfloat16; or of pages instead of B.</param>
/// <param name="Values">Of values, likewise.</param>
/// <param name="Group">Neighbouring numbers of a row that share a scale.</param>
internal sealed record CacheScales(Tensor Keys, Tensor Values, int Group)
{
    /// <summary>Multiple of tokens that there is room for in the scales: kernels read so many at once.</summary>
    public const int TokensTogether = 64;

    private const int Threads = 256, WarpsOfBlock = 4;

    private static readonly Lazy<string> s_source = new(
        () => KernelText.Read("bfloat16.cuh", "launches.cuh", "scaled_rows.cu"));

    /// <summary>How kernels are told a type: 1 for int8, 2 for e4m3.</summary>
    /// <param name="numbers">Numbers of a cache.</param>
    public static int KindOf(Tensor numbers) => numbers.dtype == ScalarType.Int8 ? 1 : 2;

    /// <summary>Writes new tokens to a cache.</summary>
    /// <param name="keys">The cache's keys, [B, rows, capacity, width], or pages.</param>
    /// <param name="values">Its values.</param>
    /// <param name="key">New keys [B, rows, N, width] in bfloat16.</param>
    /// <param name="value">New values.</param>
    /// <param name="start">The place of the first token, without positions.</param>
    /// <param name="positions">The place of one token of each sequence, [B] or [1] (int64); null for none.</param>
    /// <param name="table">The pages of each sequence, [B, n] (int32); null if the cache has none.</param>
    public void Append(Tensor keys, Tensor values, Tensor key, Tensor value, long start, Tensor? positions,
        Tensor? table)
    {
        (key, value) = (Side(key), Side(value));
        var (batch, count) = (key.shape[0], key.shape[2]);
        var groups = Keys.shape[1] + Values.shape[1];
        var blocks = ((batch * count * groups) + WarpsOfBlock - 1) / WarpsOfBlock;
        Kernel(keys, "append_rows").Launch(((int)blocks, 1, 1), 32 * WarpsOfBlock, 0,
        [
            .. Rows(key, keys, Keys), .. Rows(value, values, Values), Group, (int)count, (int)batch,
            Aten.Address(positions), positions is null || positions.shape[0] == 1 ? 0 : 1, start,
            Aten.Address(table), (int)(table?.stride(0) ?? 0), (int)keys.shape[2],
        ], early: true);
        foreach (var tensor in new[] { key, value, keys, values, positions, table }) GC.KeepAlive(tensor);
        GC.KeepAlive(this);
    }

    /// <summary>The same of rows that are repeated until keys and values have as many.</summary>
    /// <param name="keyRows">Rows of keys.</param>
    /// <param name="valueRows">Rows of values; one of the two numbers is 1 if they differ.</param>
    public CacheScales For(long keyRows, long valueRows)
    {
        static Tensor Repeated(Tensor scales, long rows, long times) => times <= rows ? scales
            : scales.shape[1] == rows ? scales.expand(-1, times, -1) // a scale a row: nothing is copied
            : scales.unsqueeze(1).expand(-1, times, -1, -1).flatten(1, 2);
        return keyRows == valueRows ? this
            : this with { Keys = Repeated(Keys, keyRows, valueRows), Values = Repeated(Values, valueRows, keyRows) };
    }

    /// <summary>The first tokens of keys, in bfloat16.</summary>
    /// <param name="keys">The cache's keys, [B, rows, capacity, width], or pages.</param>
    /// <param name="table">The pages of each sequence, [B, n] (int32); null if the cache has none.</param>
    /// <param name="seen">Number of tokens T.</param>
    /// <returns>[B, rows, T, width]</returns>
    public Tensor OfKeys(Tensor keys, Tensor? table, long seen) => Read(keys, Keys, table, seen);

    /// <summary>The first tokens of values, likewise.</summary>
    public Tensor OfValues(Tensor values, Tensor? table, long seen) => Read(values, Values, table, seen);

    private Tensor Read(Tensor numbers, Tensor scales, Tensor? table, long seen)
    {
        var (batch, rows, width) = (table?.shape[0] ?? numbers.shape[0], numbers.shape[1], numbers.shape[3]);
        var output = empty([batch, rows, seen, width], ScalarType.BFloat16, numbers.device);
        var all = output.numel();
        if (all == 0) return output;
        Kernel(numbers, "read_rows").Launch(((int)((all + Threads - 1) / Threads), 1, 1), Threads, 0,
        [
            Aten.Address(numbers), numbers.stride(0), numbers.stride(1), Aten.Address(scales), scales.stride(0),
            scales.stride(1), Aten.Address(output), (int)rows, (int)seen, (int)width, Group, Aten.Address(table),
            (int)(table?.stride(0) ?? 0), (int)numbers.shape[2], all,
        ]);
        foreach (var tensor in new[] { numbers, scales, table }) GC.KeepAlive(tensor);
        return output;
    }

    private static KernelArgument[] Rows(Tensor source, Tensor numbers, Tensor scales) =>
    [
        Aten.Address(source), source.stride(0), source.stride(1), source.stride(2), Aten.Address(numbers),
        numbers.stride(0), numbers.stride(1), Aten.Address(scales), scales.stride(0), scales.stride(1),
        (int)numbers.shape[1], (int)numbers.shape[3],
    ];

    private static Tensor Side(Tensor rows) => rows.stride(3) == 1 ? rows : rows.contiguous();

    private static CudaKernel Kernel(Tensor numbers, string function) => CudaKernel.Load(numbers.device_index,
        s_source.Value, function, [$"KIND={KindOf(numbers)}"]);
}
