using System.Diagnostics;
using System.Globalization;
using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Benchmarks;

/// <summary>
/// A step of decoding from the full cache and from caches of half its size, taken in turn so that a machine that slows
/// down slows all of them. What attention takes is the difference between steps with the cache filled and empty;
/// reading as many bytes as the cache holds is the least that memory allows.
/// </summary>
internal static class CacheComparison
{
    private static readonly (string Name, ModelOptions Options)[] Shapes =
    [
        ("260 K parameters, 8 query heads of 8, 511 positions", Shape(64, 5, 8, 8, 512) with { FeedForwardSize = 172 }),
        ("width 512, 8 layers, 8 query heads of 64, 8,192 positions", Shape(512, 8, 8, 64, 8193)),
        ("width 512, 8 layers, 16 query heads of 64, 8,192 positions", Shape(512, 8, 16, 64, 8193)),
    ];

    /// <summary>Compares and prints a table a shape and precision.</summary>
    public static void Run(int rounds)
    {
        foreach (var (name, options) in Shapes)
            foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
                Compare(name, options, type, rounds);
    }

    private static void Compare(string name, ModelOptions options, ScalarType type, int rounds)
    {
        Console.WriteLine($"\n{name}, 4 key/value heads, {type}");
        Console.WriteLine("| cache | step, µs | attention, µs | attention ÷ full | cache read, GB/s | ÷ memory |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: |");
        var d = options.HeadDim;
        using var full = new FilledDecoder(options, null, type);
        using var two = new FilledDecoder(options, new VirtualHeads
        {
            KeyGrain = KeyGrain.Frequency,
            KeyComponents = 2,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 2 * d,
        }, type);
        using var one = new FilledDecoder(options, new VirtualHeads
        {
            KeyGrain = KeyGrain.Frequency,
            KeyComponents = 1,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 3 * d,
        }, type);
        FilledDecoder[] all = [full, two, one];
        for (var warm = 0; warm < 5; warm++) foreach (var decoder in all) decoder.Measure();
        foreach (var decoder in all) decoder.Clear();
        for (var round = 0; round < rounds; round++) foreach (var decoder in all) decoder.Measure();

        foreach (var (label, decoder)
            in new[] { "full", $"K 2 of 4, V {2 * d} of {4 * d}", $"K 1 of 4, V {3 * d} of {4 * d}" }.Zip(all))
        {
            var (attention, bytes) = (decoder.Attention(), decoder.CacheBytes);
            var ratio = Median(decoder.AttentionTimes.Zip(full.AttentionTimes, (a, b) => a / b));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {label} | {Median(decoder.StepTimes) * 1e6:0} | {attention * 1e6:0} | {ratio:0.00} | "
                    + $"{bytes / attention / 1e9:0.0} | {Median(decoder.ReadTimes) / attention:P0} |"));
        }
    }

    /// <summary>The middle value.</summary>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    /// <summary>Seconds that an action takes.</summary>
    public static double Seconds(Action action)
    {
        var start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static ModelOptions Shape(int width, int layers, int heads, int headDim, int context) => new()
    {
        VocabularySize = 512,
        HiddenSize = width,
        Layers = layers,
        Context = context,
        Attention = new AttentionOptions { Heads = heads, KeyValueHeads = 4, HeadDim = headDim },
    };
}
