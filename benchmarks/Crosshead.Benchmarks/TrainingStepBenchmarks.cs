using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Engines;
using Crosshead.Attention;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Training.Recipes;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Benchmarks;

/// <summary>One optimizer step of recipes/tiny.json (6.84 M parameters, 8 × 256 tokens) on the CPU.</summary>
[SimpleJob(RunStrategy.Monitoring, launchCount: 1, warmupCount: 3, iterationCount: 10)]
public class TrainingStepBenchmarks
{
    private readonly Recipe _recipe =
        new() { Model = new ModelOptions(), Training = new TrainingOptions { Steps = 1000 } };
    private LanguageModel _model = null!;
    private AdamW _optimizer = null!;
    private Tensor _tokens = null!;

    [Params(AttentionVariant.Gqa, AttentionVariant.Mea, AttentionVariant.Differential)]
    public AttentionVariant Variant { get; set; }

    [Params("float32", "bfloat16")]
    public string Dtype { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        var training = _recipe.Training;
        _model = new LanguageModel(_recipe.Model with { Attention = new AttentionOptions { Variant = Variant } },
            Precision.Parse(Dtype));
        _model.Initialize(1);
        _optimizer = new AdamW(ParameterGroup.Split(_model.Parameters, training), training.Beta1, training.Beta2,
            training.Epsilon);
        _tokens = randint(0, _recipe.Model.VocabularySize, [training.Batch, _recipe.Context], ScalarType.Int64);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _tokens.Dispose();
        _optimizer.Dispose();
        _model.Dispose();
    }

    /// <summary>2,048 tokens.</summary>
    [Benchmark]
    public double Step() => new TrainingStep(_model, _optimizer, Clip: 1)
        .Run([new TokenBatch(_tokens.clone(), _tokens.clone())], 1e-4).Loss;
}
