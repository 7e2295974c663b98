using System.ComponentModel.DataAnnotations;

namespace Crosshead.Training;

/// <summary>What a run is trained on.</summary>
public sealed record DataOptions
{
    /// <summary>Folder of prepared shards (<c>crosshead data prepare</c>), as seen from the working directory.</summary>
    public string Folder { get; init; } = "";

    /// <summary>Tokens of a training sequence, at most the model's context; null for the model's context.</summary>
    [Range(1, int.MaxValue)]
    public int? Context { get; init; }
}
