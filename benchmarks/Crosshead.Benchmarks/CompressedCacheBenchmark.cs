using System.Runtime.Intrinsics;
using BenchmarkDotNet.Attributes;
using Crosshead.Attention;
using Crosshead.Generation;
using Crosshead.Generation.Cpu;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Benchmarks;

/// <summary>
/// A step of decoding from the full cache and from caches of half its size. What attention takes is the difference of
/// <see cref="Step()"/> and <see cref="EmptyStep"/>; <see cref="ReadCache"/> is the least that memory allows.
/// <para>
/// From components all h query heads multiply the whole row, so that halving the bytes doubles the products of keys
/// (16 · 2 · 64 in place of 16 · 64 a token and layer of the large model): the gain is that of the bytes only as far as
/// the multipliers, 32 products a cycle and core, wait for memory.
/// </para>
/// </summary>
public unsafe class CompressedCacheBenchmark
{
    private LanguageModel _model = null!;
    private CpuWeights _weights = null!;
    private CpuDecoder _filled = null!, _empty = null!;
    private NativeBuffer<int> _bytes = null!;
    private ThreadTeam _readers = null!;
    private long _sink;

    [Params(false, true)]
    public bool Large { get; set; }

    /// <summary>Key components kept of 4 key heads; 4 for whole heads, and values whole too. Values make up the half.</summary>
    [Params(4, 2, 1)]
    public int KeyComponents { get; set; }

    [Params(ScalarType.Float32, ScalarType.BFloat16)]
    public ScalarType Type { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var options = Large
            ? new ModelOptions { VocabularySize = 512, HiddenSize = 512, Layers = 8, Context = 8193, Attention = new AttentionOptions { Heads = 16, KeyValueHeads = 4, HeadDim = 64 } }
            : new ModelOptions { VocabularySize = 512, HiddenSize = 64, Layers = 5, FeedForwardSize = 172, Context = 512, Attention = new AttentionOptions { Heads = 8, KeyValueHeads = 4 } };
        var kept = new VirtualHeads { KeyGrain = KeyGrain.Frequency, KeyComponents = KeyComponents, ValueGrain = ValueGrain.Dense, ValueRank = (4 - KeyComponents) * options.HeadDim };
        if (KeyComponents < 4) options = options with { VirtualHeads = [.. Enumerable.Repeat(kept, options.Layers)] };
        _model = new LanguageModel(options);
        _model.Initialize(1);
        _weights = new CpuWeights(_model, Type);
        _filled = new CpuDecoder(_weights, 1, options.Context);
        _empty = new CpuDecoder(_weights, 1, options.Context);
        _filled.Prefill([[.. Enumerable.Range(0, options.Context - 1).Select(n => n % 512)]], 512);
        _bytes = new NativeBuffer<int>(_filled.CacheBytes / sizeof(int));
        _readers = new ThreadTeam(Read, ThreadTeam.MaxMembers);
    }

    [Benchmark(Baseline = true)]
    public float Step() => Take(_filled);

    [Benchmark]
    public float EmptyStep() => Take(_empty);

    [Benchmark]
    public long ReadCache()
    {
        _readers.Run();
        return _sink;
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _readers.Dispose();
        _bytes.Dispose();
        _empty.Dispose();
        _filled.Dispose();
        _weights.Dispose();
        _model.Dispose();
    }

    private static float Take(CpuDecoder decoder)
    {
        decoder.Step([1]);
        decoder.Rewind(1);
        return decoder.Logits(0)[0];
    }

    private void Read(ThreadTeam.Member member)
    {
        const int step = 64;
        var (first, end) = member.Share((int)(_bytes.Length / step));
        Vector512<int> a = default, b = default, c = default, d = default;
        for (var p = _bytes.Pointer + ((long)first * step); p < _bytes.Pointer + ((long)end * step); p += step)
        {
            a ^= Vector512.Load(p);
            b ^= Vector512.Load(p + 16);
            c ^= Vector512.Load(p + 32);
            d ^= Vector512.Load(p + 48);
        }
        Interlocked.Add(ref _sink, Vector512.Sum(a ^ b ^ c ^ d));
    }
}
