using System.Text.Json;
using Crosshead.Attention;
using Crosshead.Checkpoints;
using Crosshead.Compression.Fits;
using Crosshead.Model;
using Crosshead.TextModels;

namespace Crosshead.Compression.Jobs;

/// <summary>The model card of a compressed model.</summary>
internal static class CompressionCard
{
    /// <summary>The card.</summary>
    /// <param name="source">The model that was compressed.</param>
    /// <param name="options">How.</param>
    /// <param name="result">What came of it.</param>
    public static ModelCard Of(ModelSource source, CompressionOptions options, CompressionResult result)
    {
        var (before, after) = (result.CacheBytesPerTokenBefore, result.CacheBytesPerTokenAfter);
        return new ModelCard
        {
            Summary = $"{source.Description.Name} with a smaller key/value cache: key and value heads are composed of "
                + "fewer components (virtual heads), and the cache keeps the components. The licence is that of the "
                + "model it was made from.",
            Options = result.Options,
            Tags = ["kv-cache-compression"],
            BaseModel = source.Description.BaseModel,
            Command = options.Command,
            Facts =
            [
                ("Made from", $"{source.Description.Name}, weights {source.WeightsHash} (XXH128)"),
                ("Family", source.Options.Family.NameOf()),
                ("Method", JsonSerializer.SerializeToElement(options.Method).GetString()
                    + (options.Method == CompressionMethod.Svd ? ", fitted on the weights" : ", fitted on text")),
                ("Keys", KeysOf(result.Options)),
                ("Values", ValuesOf(result.Options)),
                ("Cache of a token", $"{Quantity.Bytes(before)} → {Quantity.Bytes(after)} "
                    + $"({(double)after / before:P1}), in {source.Description.Weights.CopyTypeName}"),
                ("Held-out loss", result is { LossBefore: { } loss, LossAfter: { } now }
                    ? $"{loss:0.0000} → {now:0.0000} nats a token" : null),
            ],
        };
    }

    // "2 to 3 of 4 heads, by frequency, in 12 of 12 layers"; null for whole heads everywhere.
    private static string? KeysOf(ModelOptions options)
    {
        var made = Changed(options).Where(v => v.KeyComponents is not null).ToArray();
        return made.Length == 0 ? null : $"{Range(made.Select(v => v.KeyComponents!.Value))} of "
            + $"{options.Attention.Groups} heads{Grains(made.Select(v => JsonName(v.KeyGrain)))}"
            + Layers(made, options);
    }

    private static string? ValuesOf(ModelOptions options)
    {
        var made = Changed(options).Where(v => v.ValueRank is not null).ToArray();
        return made.Length == 0 ? null : $"{Range(made.Select(v => v.ValueRank!.Value))} of "
            + $"{PlainCache.Of(options).Values} numbers{Grains(made.Select(v => JsonName(v.ValueGrain)))}"
            + Layers(made, options);
    }

    private static IEnumerable<VirtualHeads> Changed(ModelOptions options) =>
        options.VirtualHeads?.OfType<VirtualHeads>() ?? [];

    private static string Range(IEnumerable<int> numbers) => (numbers.Min(), numbers.Max()) is var (least, most)
        && least == most ? $"{least}" : $"{numbers.Min()} to {numbers.Max()}";

    private static string Grains(IEnumerable<string> names) => $", grain {string.Join(" and ", names.Distinct())}";

    private static string Layers(VirtualHeads[] made, ModelOptions options) =>
        $", in {made.Length} of {options.Layers} layers";

    private static string JsonName<T>(T value) where T : struct, Enum =>
        JsonSerializer.SerializeToElement(value).GetString()!;
}
