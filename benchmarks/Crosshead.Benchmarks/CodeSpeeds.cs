using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Crosshead.Kernels.WeightProducts;
using Crosshead.Runtime;
using Crosshead.Runtime.MachineCode;
using Crosshead.Weights;

namespace Crosshead.Benchmarks;

/// <summary>
/// Products of quantised weights with vectors rounded to 8 bits, by one thread, in 10⁹ multiplications and additions a
/// second: the best of short runs taken in turn.
/// </summary>
internal static unsafe class CodeSpeeds
{
    private static readonly int[] s_vectors = [1, 2, 4, 8, 16, 64];

    public static void Run(string[] arguments)
    {
        var columns = arguments is [var number, ..] ? int.Parse(number, CultureInfo.InvariantCulture) : 2048;
        var rows = arguments is [_, var count, ..] ? int.Parse(count, CultureInfo.InvariantCulture) : 2048;
        var chosen = arguments.Skip(2).ToArray();
        var formats = WeightFormat.All.Where(f => CodeProducts.Of(f) is not null
            && (chosen.Length == 0 || chosen.Contains(f.Name))).ToArray();
        var memory = (byte*)NativeMemory.AlignedAlloc((nuint)(2L * rows * columns), 1 << 21);
        NativeMemory.Fill(memory, (nuint)(2L * rows * columns), 0x2c); // scales are normal numbers
        var x = new float[s_vectors.Max() * columns];
        var random = new Random(1);
        foreach (ref var value in x.AsSpan()) value = random.NextSingle() - 0.5f;
        var records = (byte*)NativeMemory.AlignedAlloc(
            (nuint)(x.Length / InputCodes.Columns * InputCodes.RecordBytes), 64);
        var y = (float*)NativeMemory.AlignedAlloc((nuint)((long)rows * s_vectors.Max() * sizeof(float)), 64);
        var (encoding, runs) = (1.0, (double)x.Length / InputCodes.Columns);
        var best = new Dictionary<(string, int), double>();
        for (var round = 0; round < 7; round++)
        {
            fixed (float* px = x)
            {
                var from = Stopwatch.GetTimestamp();
                InputCodes.Encode(px, columns, s_vectors.Max(), columns, 8, records, s_vectors.Max());
                encoding = Math.Min(encoding, Stopwatch.GetElapsedTime(from).TotalSeconds);
            }
            foreach (var format in formats)
            {
                foreach (var vectors in s_vectors)
                {
                    var products = CodeProducts.Of(format)!;
                    fixed (float* px = x)
                        InputCodes.Encode(px, columns, vectors, columns, products.Center, records, vectors);
                    var from = Stopwatch.GetTimestamp();
                    products.Multiply(memory, format.RowBytes(columns), rows, columns, records, vectors, y, rows);
                    var seconds = Stopwatch.GetElapsedTime(from).TotalSeconds;
                    best[(format.Name, vectors)] = Math.Min(best.GetValueOrDefault((format.Name, vectors), 1), seconds);
                }
            }
        }
        Console.WriteLine($"{rows} rows of {columns}, {CpuVectors.Description}, machine code "
            + (GeneratedCode.HasByteProducts ? "in use" : "not in use"));
        Console.WriteLine($"32 numbers are rounded in {encoding / runs * 1e9:F1} ns");
        foreach (var format in formats)
        {
            Console.Write($"{format.Name,-9}");
            foreach (var vectors in s_vectors)
            {
                var products = (double)rows * columns * vectors;
                Console.Write($"  {vectors}: {products / best[(format.Name, vectors)] / 1e9,6:F1}");
            }
            Console.WriteLine();
        }
        NativeMemory.AlignedFree(memory);
        NativeMemory.AlignedFree(records);
        NativeMemory.AlignedFree(y);
    }
}
