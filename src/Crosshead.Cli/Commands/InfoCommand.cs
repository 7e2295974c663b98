using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Crosshead.Attention;
using Crosshead.Checkpoints;
using Crosshead.Cli.Options;
using Crosshead.Model;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead info</c>: what a model is and what it costs, from its files alone.</summary>
internal sealed class InfoCommand : CliCommand
{
    private readonly Argument<string> _model = ModelArgument.Create();

    /// <summary>Describes the command.</summary>
    public InfoCommand() : base("info",
        "Tell a model's shape, parameters, operations and cache bytes a token, layer by layer. Reads only headers, however large the model.",
        "crosshead info runs/tiny/best",
        "crosshead info runs/tiny/best --json") => Arguments.Add(_model);

    /// <inheritdoc/>
    public override int Run(ParseResult arguments, CommandOutput output, CancellationToken cancel)
    {
        var folder = arguments.GetRequiredValue(_model);
        var options = ModelConfig.Read(Path.Combine(folder, ModelDirectory.ConfigFile));
        var cost = ModelCost.Of(options);
        var weights = StoredWeights.In(folder);
        var attention = options.Attention;
        var keyHeads = CachedHeads(attention, attention.KeyComponents, ComposedParts.Values);
        var valueHeads = CachedHeads(attention, attention.ValueComponents, ComposedParts.Keys);
        var variant = attention.Variant.NameOf();

        output.Table(new ResultTable("property", "value>")
            .Row("variant", variant)
            .Row("parameters", Grouped(cost.Parameters))
            .Row("… without embeddings", Grouped(cost.NonEmbeddingParameters))
            .Row("layers", Grouped(options.Layers))
            .Row("hidden size", Grouped(options.HiddenSize))
            .Row("feed-forward size", Grouped(options.FeedForward))
            .Row("vocabulary", Grouped(options.VocabularySize))
            .Row("context", $"{Grouped(options.Context)} tokens")
            .Row("query heads", Grouped(attention.Heads))
            .Row("key heads cached", Grouped(keyHeads))
            .Row("value heads cached", Grouped(valueHeads))
            .Row("head dim", Grouped(options.HeadDim))
            .Row("FLOPs a token, forward", Quantity.Count(cost.ForwardFlops))
            .Row("FLOPs a token, training", Quantity.Count(cost.TrainingFlops))
            .Row("stored as", weights.TypeName)
            .Row("cache a token", Quantity.Bytes(cost.CacheBytesPerToken(weights.BytesPerElement))));
        output.Line($"Decoding keeps the cache of every token it has seen: {Quantity.Bytes((double)cost.CacheBytesPerToken(weights.BytesPerElement) * options.Context)} at the full context in {weights.TypeName}. Nothing was compressed.");
        output.Result(new JsonObject
        {
            ["path"] = folder,
            ["variant"] = variant,
            ["parameters"] = cost.Parameters,
            ["nonEmbeddingParameters"] = cost.NonEmbeddingParameters,
            ["forwardFlopsPerToken"] = cost.ForwardFlops,
            ["trainingFlopsPerToken"] = cost.TrainingFlops,
            ["cacheBytesPerToken"] = cost.CacheBytesPerToken(weights.BytesPerElement),
            ["dtype"] = weights.TypeName,
            ["vocabulary"] = options.VocabularySize,
            ["context"] = options.Context,
            ["hiddenSize"] = options.HiddenSize,
            ["headDim"] = options.HeadDim,
            ["heads"] = attention.Heads,
            ["layers"] = CommandOutput.List(Enumerable.Range(0, options.Layers), layer => new JsonObject
            {
                ["layer"] = layer,
                ["keyHeads"] = keyHeads,
                ["valueRank"] = valueHeads * options.HeadDim,
                ["keyGrain"] = "head",
                ["valueGrain"] = "head",
            }),
        });
        return ExitCode.Done;
    }

    // With fewer components than groups the components are cached; otherwise the composed heads.
    private static int CachedHeads(AttentionOptions attention, int? components, ComposedParts otherPartAlone)
    {
        var groups = attention.KeyValueHeads ?? attention.Heads;
        var composes = attention.Variant is AttentionVariant.Mea or AttentionVariant.MeaNoNorm && attention.Compose != otherPartAlone;
        return composes ? Math.Min(components ?? groups, groups) : groups;
    }

    private static string Grouped(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
