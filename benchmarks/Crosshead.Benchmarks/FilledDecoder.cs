using System.Runtime.Intrinsics;
using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Model;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Benchmarks;

/// <summary>
/// A decoder at the end of its context, another at its beginning, and a buffer as large as the full one's cache.
/// </summary>
internal sealed unsafe class FilledDecoder : IDisposable
{
    private readonly LanguageModel _model;
    private readonly CpuWeights _weights;
    private readonly CpuDecoder _filled, _empty;
    private readonly DecodePass _pass = new();
    private readonly NativeBuffer<int> _bytes;
    private readonly ThreadTeam _readers;
    private readonly List<double> _steps = [], _emptySteps = [], _reads = [];
    private long _sink;

    private const int Steps = 3;  // of a measurement
    private const int Step = 64;  // numbers that are read at once

    public FilledDecoder(ModelOptions options, VirtualHeads? kept, ScalarType type, CacheType cache)
    {
        if (kept is not null) options = options with { VirtualHeads = [.. Enumerable.Repeat(kept, options.Layers)] };
        _model = new LanguageModel(options);
        _model.Initialize(1);
        _weights = new CpuWeights(_model, type);
        _filled = new CpuDecoder(_weights, 1, options.Context, cache: new CacheOptions { Type = cache });
        _empty = new CpuDecoder(_weights, 1, options.Context, cache: new CacheOptions { Type = cache });
        // A step does not take longer or shorter for what is cached: zeros do, and need no prompt to be computed. They
        // are written, because memory that was never written is one page of zeros, which the first cache holds.
        var pages = (IPageStore)_filled.Cache;
        int[] own = [.. pages.PagesOf(0)];
        pages.Place(0, own, options.Context - 1);
        pages.Clear(own);
        _bytes = new NativeBuffer<int>(_filled.Cache.Bytes / sizeof(int));
        _bytes.Clear(0, 1);
        _readers = new ThreadTeam(ComputeThreads.Count, [new TeamPhase(() => (int)(_bytes.Length / Step), Read)]);
    }

    public long CacheBytes => _filled.Cache.Bytes;

    public IReadOnlyList<double> StepTimes => _steps;

    public IReadOnlyList<double> ReadTimes => _reads;

    /// <summary>What attention took in each measurement.</summary>
    public IEnumerable<double> AttentionTimes => _steps.Zip(_emptySteps, (step, empty) => step - empty);

    /// <summary>The fastest step with the cache, less the fastest without.</summary>
    public double LeastAttention => _steps.Min() - _emptySteps.Min();

    /// <summary>Takes a few steps, with the cache and without, and keeps the medians.</summary>
    /// <returns>Seconds that attention took.</returns>
    public double Measure()
    {
        var (filled, empty) = (new double[Steps], new double[Steps]);
        for (var i = 0; i < Steps; i++)
        {
            filled[i] = CacheComparison.Seconds(() => Take(_filled));
            empty[i] = CacheComparison.Seconds(() => Take(_empty));
        }
        _steps.Add(CacheComparison.Median(filled));
        _emptySteps.Add(CacheComparison.Median(empty));
        _reads.Add(CacheComparison.Seconds(_readers.Run));
        return _steps[^1] - _emptySteps[^1];
    }

    public void Clear()
    {
        _steps.Clear();
        _emptySteps.Clear();
        _reads.Clear();
    }

    public void Dispose()
    {
        _readers.Dispose();
        _bytes.Dispose();
        _empty.Dispose();
        _filled.Dispose();
        _weights.Dispose();
        _model.Dispose();
    }

    private void Take(CpuDecoder decoder)
    {
        _pass.Clear();
        _pass.Add(0, decoder.Cache.LengthOf(0), 1, wanted: true);
        decoder.Run(_pass);
        decoder.Cache.Rewind(1);
    }

    private void Read(int first, int end, int member)
    {
        Vector512<int> a = default, b = default, c = default, d = default;
        for (var p = _bytes.Pointer + ((long)first * Step); p < _bytes.Pointer + ((long)end * Step); p += Step)
        {
            a ^= Vector512.Load(p);
            b ^= Vector512.Load(p + 16);
            c ^= Vector512.Load(p + 32);
            d ^= Vector512.Load(p + 48);
        }
        Interlocked.Add(ref _sink, Vector512.Sum(a ^ b ^ c ^ d));
    }
}
