namespace Crosshead.Data.Shards;

/// <summary>
/// The state of an unfinished preparation: <c>preparation.json</c>, which is removed when the manifest exists.
/// </summary>
internal sealed record PreparationState
{
    /// <summary>The file's name in the data folder.</summary>
    public const string FileName = "preparation.json";

    /// <summary>What is being prepared.</summary>
    public required PreparationRequest Request { get; init; }

    /// <summary>The file of the next document.</summary>
    public int Source { get; init; }

    /// <summary>The next document of that file.</summary>
    public long Index { get; init; }

    /// <summary>Which documents were held out, and which is nearest to the border.</summary>
    public HoldOut HoldOut { get; init; } = new();

    /// <summary>Rows without text, by file; those of the files before <see cref="Source"/> are final.</summary>
    public IReadOnlyList<long> LeftOut { get; init; } = [];

    /// <summary>The training shards.</summary>
    public ShardWriterState Train { get; init; } = new();

    /// <summary>The held-out shards.</summary>
    public ShardWriterState HeldOut { get; init; } = new();
}
