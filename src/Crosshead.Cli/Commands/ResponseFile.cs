using System.IO.Hashing;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Files;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Cli.Commands;

/// <summary>Where a model's responses are kept between runs.</summary>
internal static class ResponseFile
{
    /// <summary>The folder of all models' responses, in the user's cache.</summary>
    public static string DefaultFolder => UserCache.Folder("eval");

    /// <summary>A model's file: the same for the same weights, shape, tokenizer, precision and kind of device, whatever the directory.</summary>
    public static string In(string folder, string weights, string modelFolder, LanguageModel model, Tokenizer tokenizer)
    {
        var shape = XxHash128.Hash(File.ReadAllBytes(Path.Combine(modelFolder, ModelFileNames.Configuration)));
        return Path.Combine(folder, $"{weights[..16]}-{Convert.ToHexStringLower(shape)[..8]}-{tokenizer.Sha256[..8]}-{Precision.NameOf(model.ComputeType)}-{model.Device.type.ToString().ToLowerInvariant()}.jsonl");
    }
}
