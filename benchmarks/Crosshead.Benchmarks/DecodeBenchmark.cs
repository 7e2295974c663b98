using BenchmarkDotNet.Attributes;
using Crosshead.Attention;
using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Benchmarks;

/// <summary>
/// Decoding one sequence through a whole context with the model of 6.84 million parameters. A token reads 11.6 MB of
/// bfloat16 weights (23.2 MB in float32), so the last-level cache's bandwidth is the limit.
/// </summary>
[MemoryDiagnoser]
public class DecodeBenchmark
{
    private const int Tokens = 256;
    private LanguageModel _model = null!;
    private CpuWeights _weights = null!;
    private CpuDecoder _vectors = null!;
    private TensorDecoder _tensors = null!;

    [Params(AttentionVariant.Gqa, AttentionVariant.Mea, AttentionVariant.TalkingHeads, AttentionVariant.Differential)]
    public AttentionVariant Variant { get; set; }

    [Params(ScalarType.Float32, ScalarType.BFloat16)]
    public ScalarType Type { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _model = new LanguageModel(
            new ModelOptions { FeedForwardSize = 688, Attention = new AttentionOptions { Variant = Variant } });
        _model.Initialize(1);
        _model.Freeze(Type);
        _weights = new CpuWeights(_model);
        _vectors = new CpuDecoder(_weights, 1, Tokens);
        _tensors = new TensorDecoder(_model, 1, Tokens);
    }

    [Benchmark(OperationsPerInvoke = Tokens - 1)]
    public float Vectors() => Decode(_vectors);

    [Benchmark(OperationsPerInvoke = Tokens - 1, Baseline = true)]
    public float Tensors() => Decode(_tensors);

    [GlobalCleanup]
    public void Cleanup()
    {
        _tensors.Dispose();
        _vectors.Dispose();
        _weights.Dispose();
        _model.Dispose();
    }

    private static float Decode(IDecoder decoder)
    {
        var batch = new DecodeBatch(decoder);
        batch.Prefill([[1]], 1);
        for (var n = 1; n < Tokens; n++) batch.Step([n]);
        var last = decoder.Logits(0)[0];
        decoder.Cache.Rewind(Tokens);
        return last;
    }
}
