using System.Globalization;
using Crosshead.Attention.Caches;
using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Runtime;
using Crosshead.TextModels;
using static TorchSharp.torch;

namespace Crosshead.Benchmarks;

/// <summary>
/// What a type of cache costs in quality: a text is read token by token through the decoder, with a cache of float32
/// and with caches of other types. Each token's distribution is compared with that of float32. The same is asked of
/// activations that are rounded as the model's weights are.
/// </summary>
internal static class CacheQuality
{
    private static readonly CacheOptions[] s_caches =
    [
        new() { Type = CacheType.BFloat16 },
        new() { Type = CacheType.Int8, ScaleGroup = CacheOptions.MostScaleGroup },
        new() { Type = CacheType.Int8, ScaleGroup = 16 },
        new() { Type = CacheType.Fp8, ScaleGroup = CacheOptions.MostScaleGroup },
        new() { Type = CacheType.Fp8, ScaleGroup = 16 },
    ];

    /// <summary>Compares and prints a table.</summary>
    /// <param name="folder">The model.</param>
    /// <param name="text">A text file.</param>
    /// <param name="windows">Number of windows of the model's context, from the beginning of the text on.</param>
    public static void Run(string folder, string text, int windows)
    {
        var source = ModelSource.Open(folder);
        using var model = source.LoadFrozen(ScalarType.Float32, CPU);
        using var weights = new CpuWeights(model, activations: ActivationType.Float32);
        using var rounding = new CpuWeights(model);
        var context = model.Options.Context;
        int[][] tokens = [.. source.Tokenizer.Encode(File.ReadAllText(text)).Chunk(context).Take(windows)
            .Where(w => w.Length == context)];
        var tables = s_caches.Select(_ => new Differences()).ToArray();
        var (rounded, both, float32) = (new Differences(), new Differences(),
            new CacheOptions { Type = CacheType.Float32 });
        foreach (var window in tokens)
        {
            var expected = Logits(weights, window, float32);
            foreach (var (cache, table) in s_caches.Zip(tables))
                table.Add(expected, Logits(weights, window, cache), window);
            rounded.Add(expected, Logits(rounding, window, float32), window);
            both.Add(expected, Logits(rounding, window, s_caches[0]), window);
        }
        Console.WriteLine($"{tokens.Length} windows of {context} tokens; float32: "
            + string.Create(CultureInfo.InvariantCulture, $"perplexity {Math.Exp(tables[0].Loss):0.0000}"));
        Console.WriteLine("| cache | numbers a scale | bytes a token | perplexity, % more | mean KLD | 99 % KLD "
            + "| same top token | in the last eighth |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (var (cache, table) in s_caches.Zip(tables))
            Print(CacheOptions.NameOf(cache.Type!.Value), cache, table);
        var activations = ActivationTypes.NameOf(CpuWeights.ActivationsOf(model, ActivationTypes.Usual));
        Print($"float32, activations {activations}", float32, rounded);
        Print($"bfloat16, activations {activations}, queries and softmax weights too", s_caches[0], both);

        void Print(string name, CacheOptions cache, Differences table) => Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"| {name} | {cache.ScaleGroup} | "
                + $"{model.Options.CacheBytesPerToken(cache.FormatFor(ScalarType.Float32))} | "
                + $"{(Math.Exp(table.MoreLoss) - 1) * 100:0.000} ± {table.Uncertainty * 100:0.000} | "
                + $"{table.Divergence:0.000000} | {table.HighDivergence:0.000000} | "
                + $"{table.SameTop:P2} | {table.SameTopLate:P2} |"));
    }

    private static float[][] Logits(CpuWeights weights, int[] window, CacheOptions cache)
    {
        using var decoder = new CpuDecoder(weights, 1, window.Length, cache: cache);
        var pass = new DecodePass();
        for (var n = 0; n < window.Length; n++) pass.Add(0, n, window[n], wanted: true);
        decoder.Run(pass);
        return [.. Enumerable.Range(0, window.Length).Select(n => decoder.Logits(n).ToArray())];
    }

    private sealed class Differences
    {
        private readonly List<double> _divergences = [];
        private double _loss, _more, _squares;
        private int _same, _late, _sameLate;

        public double Loss => _loss / _divergences.Count;

        public double MoreLoss => _more / _divergences.Count;

        /// <summary>Standard error of <see cref="MoreLoss"/>.</summary>
        public double Uncertainty =>
            Math.Sqrt(Math.Max(0, (_squares / _divergences.Count) - (MoreLoss * MoreLoss)) / _divergences.Count);

        public double Divergence => _divergences.Average();

        public double HighDivergence => _divergences.Order().ElementAt(_divergences.Count * 99 / 100);

        public double SameTop => (double)_same / _divergences.Count;

        public double SameTopLate => (double)_sameLate / _late;

        public void Add(float[][] expected, float[][] actual, int[] window)
        {
            for (var n = 0; n + 1 < window.Length; n++)
            {
                var (p, q) = (LogShares(expected[n]), LogShares(actual[n]));
                _divergences.Add(p.Zip(q, (a, b) => Math.Exp(a) * (a - b)).Sum());
                _loss -= p[window[n + 1]];
                var more = p[window[n + 1]] - q[window[n + 1]];
                _more += more;
                _squares += more * more;
                var same = Array.IndexOf(expected[n], expected[n].Max()) == Array.IndexOf(actual[n], actual[n].Max());
                if (same) _same++;
                if (n < window.Length * 7 / 8) continue;
                _late++;
                if (same) _sameLate++;
            }
        }

        private static double[] LogShares(float[] logits)
        {
            var max = logits.Max();
            var sum = Math.Log(logits.Sum(l => Math.Exp(l - max)));
            return [.. logits.Select(l => l - max - sum)];
        }
    }
}
