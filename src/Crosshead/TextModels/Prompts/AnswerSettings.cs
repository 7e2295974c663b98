using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Attention.Caches;
using Crosshead.Generation;
using Crosshead.Runtime;

namespace Crosshead.TextModels.Prompts;

/// <summary>What the answers in a file depend on, beside their prompts; kept while the file is not complete.</summary>
internal sealed record AnswerSettings
{
    /// <summary>Hash of the model's weights.</summary>
    public required string WeightsHash { get; init; }

    /// <summary>Hash of the tokenizer.</summary>
    public required string TokenizerSha256 { get; init; }

    /// <summary>Precision of the computation.</summary>
    public required string Dtype { get; init; }

    /// <summary>The coarsest numbers that activations are rounded to; null where they are not rounded.</summary>
    public string? Activations { get; init; }

    /// <summary>Type of the numbers in the cache, where it is not the precision of the computation.</summary>
    public string? CacheType { get; init; }

    /// <summary>Kind of device.</summary>
    public required string Device { get; init; }

    /// <summary>How prompts are continued whose line does not say; with the seed in use.</summary>
    public required GenerationOptions Options { get; init; }

    /// <summary>Pages of the cache, where answers may depend on those beside them; null elsewhere.</summary>
    public int? Pages { get; init; }

    /// <summary>The seed in use, given or drawn.</summary>
    public long Seed => Options.Sampling.Seed ?? 0;

    /// <summary>The settings of a run.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">How prompts are continued, with the seed in use.</param>
    /// <param name="pages">Pages of the cache.</param>
    public static AnswerSettings Of(TextModel model, GenerationOptions options, int pages)
    {
        var apart = model.Generator.KeepsSequencesApart;
        var plain = new GenerationOptions();
        return new()
        {
            WeightsHash = model.Source.WeightsHash,
            TokenizerSha256 = model.Tokenizer.Sha256,
            Dtype = Precision.NameOf(model.Type),
            CacheType = model.CacheFormat.Type == CacheFormat.Of(model.Type).Type ? null
                : CacheOptions.NameOf(model.CacheFormat.Type),
            Activations = model.Activations == ActivationType.Float32 ? null
                : ActivationTypes.NameOf(model.Activations),
            Device = model.Device.type.ToString().ToLowerInvariant(),
            Options = apart ? options with { Batch = plain.Batch, PrefillChunk = plain.PrefillChunk } : options,
            Pages = apart ? null : pages,
        };
    }

    /// <summary>The first difference of two, or null if both give the same answers.</summary>
    /// <param name="there">The settings of an earlier run, whose pages this one takes.</param>
    /// <param name="hasSeed">Whether this run names its seed; otherwise it takes the other's.</param>
    public string? DifferenceFrom(AnswerSettings there, bool hasSeed)
    {
        var sampling = Options.Sampling;
        var same = this with
        {
            Pages = there.Pages,
            Options = hasSeed ? Options : Options with { Sampling = sampling with { Seed = there.Seed } },
        };
        return Members(same).Zip(Members(there)).Where(pair => pair.First.Value != pair.Second.Value)
            .Select(pair => $"{pair.First.Name} is {pair.First.Value.Shown()} here and {pair.Second.Value.Shown()} "
                + "there").FirstOrDefault();
    }

    private static IEnumerable<(string Name, string Value)> Members(AnswerSettings settings) =>
        Members("", JsonSerializer.SerializeToNode(settings, JsonSerializerOptions.Web)!.AsObject());

    private static IEnumerable<(string Name, string Value)> Members(string name, JsonNode? value) =>
        value is JsonObject members ? members.SelectMany(m => Members(m.Key, m.Value))
            : [(name, value?.ToJsonString() ?? "none")];
}
