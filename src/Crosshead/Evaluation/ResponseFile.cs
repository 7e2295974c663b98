using Crosshead.Attention.Caches;
using Crosshead.Files;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.TextModels;

namespace Crosshead.Evaluation;

/// <summary>Where a model's responses are kept between runs.</summary>
internal static class ResponseFile
{
    /// <summary>The folder of all models' responses, in the user's cache.</summary>
    public static string DefaultFolder => UserCache.Folder("eval");

    /// <summary>
    /// A model's file: the same for the same weights, shape, tokenizer, precisions and kind of device, whatever the
    /// directory.
    /// </summary>
    public static string In(string folder, IModelSource source, LanguageModel model, CacheOptions cache,
        ActivationType activations)
    {
        var (type, group) = cache.FormatFor(model.ComputeType, model.Device);
        var kept = type == CacheFormat.Of(model.ComputeType).Type ? ""
            : $"-{CacheOptions.NameOf(type)}{(group == CacheOptions.UsualScaleGroup ? "" : $"-{group}")}";
        if (Generator.ActivationsOf(model, activations) is var rounded and not ActivationType.Float32)
            kept += $"-by-{ActivationTypes.NameOf(rounded)}";
        return Path.Combine(folder,
            $"{source.WeightsHash[..16]}-{source.ConfigurationHash[..8]}-{source.Tokenizer.Sha256[..8]}"
            + $"-{Precision.NameOf(model.ComputeType)}-{model.Device.type.ToString().ToLowerInvariant()}{kept}.jsonl");
    }
}
