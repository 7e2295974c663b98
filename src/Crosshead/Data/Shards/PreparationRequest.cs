using System.Text.Json.Serialization;
using Crosshead.Data.Sources;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Data.Shards;

/// <summary>
/// Everything that determines the bytes of a data set. It is compared before a data set is continued or reused.
/// </summary>
public sealed record PreparationRequest
{
    /// <summary><see cref="Tokenizer.Sha256"/> of the tokenizer.</summary>
    public required string TokenizerSha256 { get; init; }

    /// <summary><see cref="SourceOptions.Field"/>.</summary>
    public required string Field { get; init; }

    /// <summary><see cref="SourceOptions.SplitOn"/> as text.</summary>
    public required string SplitOn { get; init; }

    /// <summary><see cref="DataPreparationOptions.HeldOutFraction"/>.</summary>
    public required double HeldOutFraction { get; init; }

    /// <summary><see cref="DataPreparationOptions.Seed"/>.</summary>
    public required long Seed { get; init; }

    /// <summary><see cref="DataPreparationOptions.ShardTokens"/>.</summary>
    public required long ShardTokens { get; init; }

    /// <summary>How a model wrote the text; null for text read from files.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public GeneratedSource? Generated { get; init; }

    /// <summary>The input files in order.</summary>
    public required IReadOnlyList<SourceInfo> Sources { get; init; }

    internal static PreparationRequest Of(DocumentReader reader, Tokenizer tokenizer, DataPreparationOptions options) =>
        new()
        {
            TokenizerSha256 = tokenizer.Sha256,
            Field = options.Source.Field,
            SplitOn = options.Source.SplitOn.ToString(),
            HeldOutFraction = options.HeldOutFraction,
            Seed = options.Seed,
            ShardTokens = options.ShardTokens,
            Sources = [.. reader.Files.Select(file => new SourceInfo(file.Path, file.Bytes, file.Modified))],
        };

    /// <summary>The first difference as "name (this, there: that)", or null if both requests are equal.</summary>
    internal string? DifferenceFrom(PreparationRequest other)
    {
        if (GeneratedSource.Difference(Generated, other.Generated) is { } generated)
            return $"{generated.Name} is {generated.Here} here and {generated.There} there";
        (string Name, object Here, object There)[] pairs =
        [
            ("tokenizer", TokenizerSha256, other.TokenizerSha256),
            ("field", Field, other.Field),
            ("splitOn", SplitOn, other.SplitOn),
            ("heldOutFraction", HeldOutFraction, other.HeldOutFraction),
            ("seed", Seed, other.Seed),
            ("shardTokens", ShardTokens, other.ShardTokens),
            ("number of input files", Sources.Count, other.Sources.Count),
            .. Sources.Zip(other.Sources).SelectMany(pair => Differences(pair.First, pair.Second)),
        ];
        var different = pairs.FirstOrDefault(pair => !pair.Here.Equals(pair.There));
        return different.Name is null ? null : $"{different.Name} is {different.Here} here and {different.There} there";
    }

    private static (string, object, object)[] Differences(SourceInfo here, SourceInfo there) =>
    [
        ("an input", here.Path, there.Path),
        ($"the length of {here.Path}", here.Bytes, there.Bytes),
        ($"the time of {here.Path}", here.Modified.ToString("O"), there.Modified.ToString("O")),
    ];
}
