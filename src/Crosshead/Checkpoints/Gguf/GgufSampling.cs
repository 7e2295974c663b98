using Crosshead.Checkpoints.HuggingFace;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>How a model's makers draw tokens, according to the keys <c>general.sampling.*</c> of a GGUF file.</summary>
internal static class GgufSampling
{
    /// <summary>Reads the keys; a value is null if its key is absent.</summary>
    /// <param name="file">The file.</param>
    /// <exception cref="CrossheadException">A value is of the wrong kind.</exception>
    public static StoredSampling Of(GgufReader file)
    {
        var keys = new GgufKeys(file.Metadata, file.Path, "general.sampling");
        return new StoredSampling
        {
            Temperature = keys.Number("temp"),
            TopK = file.Metadata.Integer(keys.NameOf("top_k")) is { } k ? (int)Math.Clamp(k, 0, int.MaxValue) : null,
            TopP = keys.Number("top_p"),
            MinP = keys.Number("min_p"),
            RepetitionPenalty = keys.Number("penalty_repeat"),
        };
    }
}
