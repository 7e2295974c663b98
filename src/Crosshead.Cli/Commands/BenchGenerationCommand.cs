using System.CommandLine;
using Crosshead.Attention;
using Crosshead.Checkpoints;
using Crosshead.Cli.Benchmarking;
using Crosshead.Cli.Options;
using Crosshead.Decoding.TensorParallel;
using Crosshead.Generation;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.TextModels;
using Generator = Crosshead.TextModels.Generator;

namespace Crosshead.Cli.Commands;

/// <summary>
/// The common part of the generation benchmarks: a frozen model, prompts of random tokens, greedy choice.
/// </summary>
internal abstract class BenchGenerationCommand : BenchCommand
{
    private readonly Option<int> _prompt = NumberOption.WithDefault("--prompt-tokens", "Tokens of each prompt.",
        1, 1 << 24, 16);
    private readonly Option<int> _new = NumberOption.WithDefault("--new-tokens", "Tokens generated for each prompt.",
        2, 1 << 24, 128);
    private readonly Option<string?> _weights = new("--weights")
    {
        Description = "Type of a GGUF file, such as q8_0 or q4_k_m, whose types of weights the model gets. Or fp8 or "
            + "mxfp4, for layers or experts as quantised folders of Hugging Face have them. Those of --dtype "
            + "without it.",
        HelpName = "type",
    };
    private readonly Option<int> _parallel = TensorParallelOption.Create();
    private int _promptTokens, _newTokens, _ranks;
    private DrawnWeights? _drawn;

    /// <summary>Describes the command.</summary>
    protected BenchGenerationCommand(string name, string description, params string[] examples)
        : base(name, description, wholeModel: true, batch: 1, decodes: true, examples)
    {
        Options.Add(_prompt);
        Options.Add(_new);
        Options.Add(_weights);
        Options.Add(_parallel);
    }

    /// <inheritdoc/>
    protected override void Read(ParseResult arguments, ModelOptions shape)
    {
        (_promptTokens, _newTokens) = (arguments.GetValue(_prompt), arguments.GetValue(_new));
        _ranks = arguments.GetValue(_parallel);
        _drawn = arguments.GetValue(_weights) is { } name ? DrawnWeights.Named(name) : null;
        if (_promptTokens + _newTokens > shape.Context)
            throw new CrossheadException(
                $"--prompt-tokens ({_promptTokens}) and --new-tokens ({_newTokens}) are more than --context "
                + $"({shape.Context}); raise --context to {_promptTokens + _newTokens} or generate fewer.");
    }

    /// <inheritdoc/>
    protected override void Check(ModelOptions shape, BenchRun run) =>
        TensorParallelModel.Check(shape, _ranks, run.Device, run.Type);

    /// <inheritdoc/>
    protected override IEnumerable<BenchCase> Time(ModelOptions shape, BenchRun run)
    {
        using var shared = _ranks == 1 ? null
            : SharedModels.Draw(shape, _drawn, _ranks, run.Type, run.Device);
        using var model = shared is null ? DrawnModel.Of(shape, _drawn, run.Type, run.Device) : null;
        var random = new Random(1);
        int[][] prompts = [.. Enumerable.Range(0, run.Batch)
            .Select(_ => Enumerable.Range(0, _promptTokens).Select(_ => random.Next(shape.VocabularySize)).ToArray())];
        using var generator = shared is null ? new Generator(model!, cache: run.Cache, activations: run.Activations)
            : new Generator(shared, cache: run.Cache);
        return [.. Cases(generator, prompts, shape, run)];
    }

    /// <summary>Times the cases of one model.</summary>
    /// <param name="generator">Generates with the model.</param>
    /// <param name="prompts">Token ids, one prompt per sequence of the batch.</param>
    /// <param name="shape">The model's shape.</param>
    /// <param name="run">How to time.</param>
    protected abstract IEnumerable<BenchCase> Cases(Generator generator, int[][] prompts,
        ModelOptions shape, BenchRun run);

    /// <summary>Number of steps after the prompt. Each step gives every sequence one token.</summary>
    protected int Steps => _newTokens - 1;

    /// <summary>The name of a model in results.</summary>
    protected string NameOf(ModelOptions shape) => shape.Attention.Variant.NameOf()
        + (_drawn is { } drawn ? $" {drawn.Name}" : "") + (_ranks > 1 ? $" on {_ranks} GPUs" : "");

    /// <summary>Tokens of each prompt.</summary>
    protected int PromptTokens => _promptTokens;

    /// <summary>
    /// Least number of bytes that the steps of one generation read: all weights, and the growing cache.
    /// </summary>
    protected double DecodeBytes(ModelOptions shape, BenchRun run)
    {
        var cost = ModelCost.Of(shape);
        var element = _drawn is { } drawn ? DrawnModel.BytesOf(shape, drawn, run.Type) / (double)cost.Parameters
            : Precision.BytesOf(run.Type);
        // Of the embedding, one row per token is read. A tied embedding is read whole, because it is also the head.
        // Only the experts of one token are counted; how many more a batch reads depends on chance.
        var idle = shape.Experts is { } experts ? Enumerable.Range(0, shape.Layers).Count(
            experts.IsSparse) * 3L * (experts.Count - experts.PerToken) * experts.InnerSize * shape.HiddenSize : 0;
        var weights = (cost.NonEmbeddingParameters - idle + ((long)shape.VocabularySize * shape.HiddenSize))
            * element;
        var averageLength = _promptTokens + (Steps / 2.0);
        var cache = shape.CacheBytesPerToken(run.Cache.FormatFor(run.Type, run.Device));
        return Steps * (weights + (run.Batch * averageLength * cache));
    }

    /// <summary>Continues the prompts greedily by all new tokens, and returns the cost.</summary>
    protected GenerationStatistics Generate(Generator generator, int[][] prompts, CancellationToken cancellation)
    {
        var options = new GenerationOptions
        {
            MaxTokens = _newTokens,
            Sampling = SamplingOptions.Greedy,
            Batch = prompts.Length,
        };
        using var generation = generator.Start(prompts, options);
        foreach (var _ in generation.Tokens(cancellation)) { }
        return generation.Statistics;
    }
}
