using System.Text.Json.Nodes;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>
/// How a model's makers draw tokens, according to its <c>generation_config.json</c>. A value is null if the file does
/// not name it.
/// </summary>
public sealed record StoredSampling
{
    /// <summary>The temperature; 0 if the file says that nothing is drawn at random.</summary>
    public double? Temperature { get; init; }

    /// <summary>Number of likeliest tokens that are kept.</summary>
    public int? TopK { get; init; }

    /// <summary>The sum of probabilities that is kept.</summary>
    public double? TopP { get; init; }

    /// <summary>The share of the likeliest token's probability that a token must have.</summary>
    public double? MinP { get; init; }

    /// <summary>What makes tokens that have occurred less likely.</summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary>Reads them from a model directory.</summary>
    /// <param name="folder">The directory.</param>
    /// <exception cref="CrossheadException">The file cannot be read, or a value is of the wrong kind.</exception>
    internal static StoredSampling Of(string folder)
    {
        var path = Path.Combine(folder, TextTokens.GenerationFile);
        if (!File.Exists(path)) return new StoredSampling();
        var values = ConfigValues.Read(path);
        return new StoredSampling
        {
            Temperature = values.Optional<bool>("do_sample") == false ? 0
                : values.Optional<double>("temperature"),
            TopK = values.Optional<int>("top_k"),
            TopP = values.Optional<double>("top_p"),
            MinP = values.Optional<double>("min_p"),
            RepetitionPenalty = values.Optional<double>("repetition_penalty"),
        };
    }

    /// <summary>Writes the values that are named, as <c>generation_config.json</c> has them.</summary>
    internal void Write(JsonObject json)
    {
        if (Temperature is { } temperature)
        {
            json["do_sample"] = temperature > 0;
            if (temperature > 0) json["temperature"] = temperature;
        }
        if (TopK is { } k) json["top_k"] = k;
        if (TopP is { } p) json["top_p"] = p;
        if (MinP is { } least) json["min_p"] = least;
        if (RepetitionPenalty is { } penalty) json["repetition_penalty"] = penalty;
    }
}
