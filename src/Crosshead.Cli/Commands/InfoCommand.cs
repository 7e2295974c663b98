using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Checkpoints;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Compression;
using Crosshead.Model;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead info</c>: reports what a model is and what it costs, from its files alone.</summary>
internal sealed class InfoCommand : CliCommand
{
    private readonly Argument<string> _model = ModelArgument.Create();

    /// <summary>Describes the command.</summary>
    public InfoCommand() : base("info",
        "Tell a model's shape, parameters, operations and cache bytes a token, layer by layer. Reads only headers, "
            + "however large the model.",
        "crosshead info runs/tiny/best",
        "crosshead info runs/tiny/best --json",
        "crosshead info models/llama-q4_k_m.gguf") => Arguments.Add(_model);

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var description = ModelDescription.Of(arguments.GetRequiredValue(_model));
        var weights = description.Weights;
        return (output, _) => Tell(description, weights, output);
    }

    private static int Tell(ModelDescription description, StoredWeights weights, CommandOutput output)
    {
        ModelRemarks.Tell(description.Remarks, output);
        var options = description.Options;
        var cost = ModelCost.Of(options);
        var attention = options.Attention;
        var layers = Enumerable.Range(0, options.Layers).Select(options.AttentionOf).ToArray();
        var cached = CachedLayer.Of(options);
        var variant = attention.Variant.NameOf();

        output.Table(new ResultTable("property", "value>")
            .Row("family", EnumName.Of(options.Family))
            .Row("variant", variant)
            .Row("composition", ComposedHeads.Of(options))
            .Row("parameters", Grouped(cost.Parameters))
            .Row("… without embeddings", Grouped(cost.NonEmbeddingParameters))
            .Row("layers", Grouped(options.Layers))
            .Row("hidden size", Grouped(options.HiddenSize))
            .Row("feed-forward size", FeedForward(options))
            .Row("experts", Experts(options))
            .Row("vocabulary", Grouped(options.VocabularySize))
            .Row("context", $"{Grouped(options.Context)} tokens")
            .Row("sliding window", Window(layers))
            .Row("query heads", Grouped(attention.Heads))
            .Row("latent attention", attention.Latent is { } latent ? $"{Grouped(latent.Rank)} numbers" : "none")
            .Row("key heads cached", Range(cached.Select(l => l.KeyHeads)))
            .Row("value numbers cached", Range(cached.Select(l => l.ValueRank)))
            .Row("head dim", Grouped(options.HeadDim))
            .Row("FLOPs a token, forward", Quantity.Count(cost.ForwardFlops))
            .Row("FLOPs a token, training", Quantity.Count(cost.TrainingFlops))
            .Row("stored as", weights.TypeName)
            .Row("quantisation", description.Quantization ?? "none")
            .Row("cache a token", $"{Quantity.Bytes(cost.CacheBytesPerToken(weights.BytesPerElement))} in "
                + weights.CopyTypeName)
            .Row("… as int8 or fp8", InInt8(options) is { } small ? Quantity.Bytes(small) : "not with latents"));
        output.Line($"Decoding keeps the cache of every token it has seen: "
            + $"{Quantity.Bytes((double)cost.CacheBytesPerToken(weights.BytesPerElement) * options.Context)} at the "
            + $"full context in {weights.CopyTypeName}. {Kept(options, cached)}");
        if (weights.Types.Count > 0) output.Table(StoredTypeTable.Of(weights.Types));
        output.Result(new JsonObject
        {
            ["path"] = description.Path,
            ["family"] = EnumName.Of(options.Family),
            ["variant"] = variant,
            ["composition"] = ComposedHeads.Of(options),
            ["parameters"] = cost.Parameters,
            ["nonEmbeddingParameters"] = cost.NonEmbeddingParameters,
            ["forwardFlopsPerToken"] = cost.ForwardFlops,
            ["trainingFlopsPerToken"] = cost.TrainingFlops,
            ["cacheBytesPerToken"] = cost.CacheBytesPerToken(weights.BytesPerElement),
            ["cacheBytesPerTokenInt8"] = InInt8(options),
            ["dtype"] = weights.TypeName,
            ["quantization"] = description.Quantization,
            ["types"] = CommandOutput.List(weights.Types, StoredTypeTable.Node),
            ["allTypes"] = StoredTypeTable.Node(StoredType.Sum(weights.Types)),
            ["vocabulary"] = options.VocabularySize,
            ["context"] = options.Context,
            ["hiddenSize"] = options.HiddenSize,
            ["headDim"] = options.HeadDim,
            ["heads"] = attention.Heads,
            ["experts"] = options.Experts is { } experts
                ? new JsonObject
                {
                    ["count"] = experts.Count,
                    ["perToken"] = experts.PerToken,
                    ["innerSize"] = experts.InnerSize,
                    ["layers"] = SparseLayers(options),
                }
                : null,
            ["layers"] = CommandOutput.List(cached, layer => layer.ToJson()),
        });
        return ExitCode.Done;
    }

    // Latents are kept in the precision of the computation alone.
    private static long? InInt8(ModelOptions options) => options.Attention.Latent is null
        ? options.CacheBytesPerToken(new CacheFormat(CacheType.Int8)) : null;

    private static string Kept(ModelOptions options, CachedLayer[] cached)
    {
        var reduced = cached.Where(l => l.IsReduced(options)).ToArray();
        var (groups, _, rank) = PlainCache.Of(options);
        if (options.Attention.Latent is not null)
            return "Every layer keeps one latent vector and one rotated key a token, which all heads share"
                + (reduced.Length == 0 ? "." : $"; {reduced.Length} of {options.Layers} layers keep "
                    + $"{Range(reduced.Select(l => l.ValueRank))} of its {rank} numbers.");
        return reduced.Length == 0
            ? "Every layer keeps whole heads."
            : $"{reduced.Length} of {options.Layers} layers keep less than whole heads: "
            + $"{Range(reduced.Select(l => l.KeyHeads))} of {groups} key heads and "
            + $"{Range(reduced.Select(l => l.ValueRank))} of {rank} value numbers."
            + (CachedLayer.SpeedRemark(options, cached) is { } remark ? $" {remark}" : "");
    }

    // The inner size of the feed-forward layers. Layers with experts are left out.
    private static string FeedForward(ModelOptions options) => (options.Layers - SparseLayers(options)) switch
    {
        0 => "none",
        var dense when dense == options.Layers => Grouped(options.FeedForward),
        var dense => $"{Grouped(options.FeedForward)} in {dense} layers",
    };

    private static int SparseLayers(ModelOptions options) =>
        Enumerable.Range(0, options.Layers).Count(i => options.Experts?.IsSparse(i) == true);

    private static string Experts(ModelOptions options)
    {
        if (options.Experts is not { } experts) return "none";
        var shared = experts.Shared > 0 ? $" and {experts.Shared} shared" : "";
        return $"{experts.PerToken} of {experts.Count}{shared}, size {Grouped(experts.InnerSize)}, in "
            + $"{SparseLayers(options)} layers";
    }

    private static string Window(AttentionOptions[] layers)
    {
        var windows = layers.Select(l => l.SlidingWindow).OfType<int>().ToArray();
        return windows.Length == 0 ? "none" : $"{Grouped(windows[0])} tokens in {windows.Length} layers";
    }

    private static string Range(IEnumerable<int> values)
    {
        var (least, most) = (values.Min(), values.Max());
        return least == most ? Grouped(least) : $"{Grouped(least)} to {Grouped(most)}";
    }

    private static string Grouped(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
