using System.Diagnostics;
using System.Globalization;
using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Attention.Composition;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Benchmarks;

/// <summary>
/// A step of decoding from the full cache and from caches of half its size. Each of those takes turns with the full
/// one, which is measured anew beside it, before or after it, so that a machine that slows down slows both. What
/// attention takes is the difference between steps with the cache filled and empty; reading as many bytes as the cache
/// holds is the least that memory allows. The table has medians; beside the ratio are its quartiles, and in brackets
/// the ratio of the fastest steps. Long caches have several layers, so that no layer finds its cache in the processor,
/// nor its threads asleep.
/// </summary>
internal static class CacheComparison
{
    private static readonly (string Name, ModelOptions Options)[] Shapes =
    [
        ("260 K parameters, 8 query heads and 4 key/value heads of 8, 511 positions",
            Shape(64, 5, 8, 4, 8, 512) with { FeedForwardSize = 172 }),
        ("4 layers of Qwen3 0.6B's heads, 16 and 8 of 128, 16,384 positions", Shape(512, 4, 16, 8, 128, 16385)),
        ("4 layers of Llama 3.2 1B's heads, 32 and 8 of 64, 16,384 positions", Shape(512, 4, 32, 8, 64, 16385)),
    ];

    /// <summary>Compares and prints a table a shape and precision.</summary>
    /// <param name="rounds">Number of rounds.</param>
    /// <param name="only">The only precision; null for all.</param>
    /// <param name="shape">Part of the names of the shapes that are compared; null for all.</param>
    /// <param name="cache">Part of the names of the caches that are compared with the whole one; null for all.</param>
    public static void Run(int rounds, ScalarType? only, string? shape, string? cache)
    {
        ScalarType[] types = only is { } one ? [one] : [ScalarType.Float32, ScalarType.BFloat16];
        foreach (var (name, options) in Shapes)
            if (name.Contains(shape ?? "", StringComparison.OrdinalIgnoreCase))
                foreach (var type in types) Compare(name, options, type, rounds, cache ?? "");
    }

    private static void Compare(string name, ModelOptions options, ScalarType type, int rounds, string only)
    {
        Console.WriteLine($"\n{name}, weights of {type}");
        Console.WriteLine("| cache | step, µs | attention, µs | attention ÷ whole | cache read, GB/s | ÷ memory |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: |");
        var (half, d) = (options.Attention.Groups / 2, options.HeadDim);
        var head = new VirtualHeads { KeyComponents = half, ValueRank = half * d };
        var fine = new VirtualHeads
        {
            KeyGrain = KeyGrain.Frequency,
            KeyComponents = half,
            ValueGrain = ValueGrain.Dense,
            ValueRank = half * d,
        };
        var plain = type == ScalarType.Float32 ? CacheType.Float32 : CacheType.BFloat16;
        var all = new[] { plain, CacheType.Int8 }.SelectMany(cache => new[]
        {
            (Label: $"whole, {CacheOptions.NameOf(cache)}", Kept: (VirtualHeads?)null, Cache: cache),
            (Label: $"half, head, {CacheOptions.NameOf(cache)}", Kept: head, Cache: cache),
            (Label: $"half, fine, {CacheOptions.NameOf(cache)}", Kept: fine, Cache: cache),
        }).Where((c, i) => i == 0 || c.Label.Contains(only, StringComparison.OrdinalIgnoreCase))
            .Select(c => (c.Label, Decoder: new FilledDecoder(options, c.Kept, type, c.Cache))).ToArray();
        for (var warm = 0; warm < 5; warm++) foreach (var (_, decoder) in all) decoder.Measure();
        foreach (var (_, decoder) in all) decoder.Clear();
        var whole = all[0].Decoder;
        var ratios = all.Select(_ => new List<double>()).ToArray();
        for (var round = 0; round < rounds; round++)
            for (var i = 1; i < all.Length; i++)
            {
                var (before, own) = (round % 2 == 0 ? whole.Measure() : 0, all[i].Decoder.Measure());
                ratios[i].Add(own / (before > 0 ? before : whole.Measure()));
            }
        ratios[0].Add(1);
        foreach (var ((label, decoder), ratio) in all.Zip(ratios))
        {
            var (attention, bytes) = (Median(decoder.AttentionTimes), decoder.CacheBytes);
            var least = decoder.LeastAttention / whole.LeastAttention;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {label} | {Median(decoder.StepTimes) * 1e6:0} | {attention * 1e6:0} | {Median(ratio):0.00}, "
                    + $"{Quantile(ratio, 0.25):0.00} to {Quantile(ratio, 0.75):0.00} ({least:0.00}) | "
                    + $"{bytes / attention / 1e9:0.0} | {Median(decoder.ReadTimes) / attention:P0} |"));
        }
        foreach (var (_, decoder) in all) decoder.Dispose();
    }

    /// <summary>The middle value, or the mean of the two in the middle.</summary>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static double Quantile(IEnumerable<double> values, double part)
    {
        var sorted = values.Order().ToArray();
        return sorted[(int)Math.Round(part * (sorted.Length - 1))];
    }

    /// <summary>Seconds that an action takes.</summary>
    public static double Seconds(Action action)
    {
        var start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static ModelOptions Shape(int width, int layers, int heads, int groups, int headDim,
        int context) => new()
        {
            VocabularySize = 512,
            HiddenSize = width,
            Layers = layers,
            Context = context,
            Attention = new AttentionOptions { Heads = heads, KeyValueHeads = groups, HeadDim = headDim },
        };
}
