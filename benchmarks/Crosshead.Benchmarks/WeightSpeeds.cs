using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Crosshead.Kernels.WeightProducts;
using Crosshead.Weights;

namespace Crosshead.Benchmarks;

/// <summary>
/// Products of weights with one vector and with many, for each format, beside the speed at which memory is read. Each
/// figure is the best of short runs taken in turn.
/// </summary>
internal static unsafe class WeightSpeeds
{
    private const int Columns = 2048;
    private static readonly int[] s_vectors = [1, 2, 4, 8, 16, 64];

    public static void Run(string[] arguments)
    {
        var mebibytes = arguments is [var size, ..] ? int.Parse(size, CultureInfo.InvariantCulture) : 256;
        var threads = arguments is [_, var count, ..] ? int.Parse(count, CultureInfo.InvariantCulture) : 1;
        var chosen = arguments.Skip(2).ToArray();
        Kernel[] kernels = [.. WeightFormat.All.Select(f => new Kernel(f.Name, f, null)),
            .. PairProducts.All.Select(p => new Kernel(p.GetType().Name, WeightFormat.BF16, p))];
        kernels = [.. kernels.Where(k => chosen.Length == 0 || chosen.Contains(k.Name))];
        var bytes = (long)mebibytes << 20;
        var memory = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 1 << 21);
        new Span<byte>(memory, (int)Math.Min(bytes, int.MaxValue)).Fill(1);
        var best = new Dictionary<(string, int), double>();
        var reading = double.MaxValue;
        var x = new float[64 * Columns];
        x.AsSpan().Fill(0.5f);
        var pairs = new byte[64 * Columns * PairProducts.NumberBytes];
        for (var round = 0; round < 5; round++)
        {
            reading = Math.Min(reading, Timed(threads, t => Read(memory + (bytes / threads * t), bytes / threads)));
            foreach (var (name, format, products) in kernels)
            {
                var stride = format.RowBytes(Columns);
                foreach (var vectors in s_vectors)
                {
                    fixed (float* px = x)
                    fixed (byte* to = pairs)
                        products?.Round(px, Columns, vectors, Columns, to);
                    var all = (int)(bytes / stride / threads / (vectors > 4 ? vectors : 1)) / 16 * 16;
                    var seconds = Timed(threads, t =>
                    {
                        var y = (float*)NativeMemory.AlignedAlloc((nuint)(16 * vectors * sizeof(float)), 64);
                        fixed (float* px = x)
                        fixed (byte* rounded = pairs)
                            for (var row = 0; row < all; row += 16)
                            {
                                var weights = memory + ((((long)t * all) + row) * stride);
                                if (products is not null)
                                    products.Multiply(weights, stride, 16, Columns, rounded, vectors, y, 16);
                                else RowProducts.Of(format).Multiply(weights, stride, 16, Columns, px, Columns, vectors,
                                    y, 16);
                            }
                        NativeMemory.AlignedFree(y);
                    });
                    var each = seconds / ((long)all * threads * stride);
                    best[(name, vectors)] = Math.Min(best.GetValueOrDefault((name, vectors), 1), each);
                }
            }
        }
        Console.WriteLine($"memory {bytes / reading / 1e9:F1} GB/s, {threads} threads, {mebibytes} MiB");
        foreach (var (name, format, _) in kernels)
        {
            Console.Write($"{name,-6}");
            foreach (var vectors in s_vectors)
            {
                var each = best[(name, vectors)];
                var weights = format.BlockSize / (double)format.BlockBytes / each;
                Console.Write(vectors == 1
                    ? $"  1: {1 / each / 1e9,6:F1} GB/s {reading / bytes / each,5:P0}"
                    : $"  {vectors}: {2 * weights * vectors / 1e9,6:F1} GFLOP/s");
            }
            Console.WriteLine();
        }
        NativeMemory.AlignedFree(memory);
    }

    /// <summary>Bytes per second at which memory is read, the best of five passes.</summary>
    public static double ReadSpeed(int mebibytes, int threads)
    {
        var bytes = (long)mebibytes << 20;
        var memory = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 1 << 21);
        new Span<byte>(memory, (int)bytes).Fill(1);
        var best = double.MaxValue;
        for (var pass = 0; pass < 5; pass++)
            best = Math.Min(best, Timed(threads, t => Read(memory + (bytes / threads * t), bytes / threads)));
        NativeMemory.AlignedFree(memory);
        return bytes / best;
    }

    // Products of a format; by rounded inputs, or by float32 for null.
    private sealed record Kernel(string Name, WeightFormat Format, PairProducts? Products);

    private static double Timed(int threads, Action<int> work)
    {
        var from = Stopwatch.GetTimestamp();
        var team = Enumerable.Range(1, threads - 1).Select(t => new Thread(() => work(t))).ToArray();
        foreach (var thread in team) thread.Start();
        work(0);
        foreach (var thread in team) thread.Join();
        return Stopwatch.GetElapsedTime(from).TotalSeconds;
    }

    private static void Read(byte* p, long bytes)
    {
        Vector512<ulong> a = default, b = default, c = default, d = default;
        var quarter = bytes / 4;
        for (long i = 0; i < quarter; i += 64)
        {
            a += HalfLoads.At(p + i).AsUInt64();
            b += HalfLoads.At(p + quarter + i).AsUInt64();
            c += HalfLoads.At(p + (2 * quarter) + i).AsUInt64();
            d += HalfLoads.At(p + (3 * quarter) + i).AsUInt64();
        }
        GC.KeepAlive(Vector512.Sum(a + b + c + d));
    }
}
