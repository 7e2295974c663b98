using System.ComponentModel.DataAnnotations;

namespace Crosshead.Training;

/// <summary>What a run is trained on.</summary>
public sealed record DataOptions
{
    /// <summary>Folder of prepared shards (<c>crosshead data prepare</c>), as seen from the working directory.</summary>
    public string Folder { get; init; } = "";

    /// <summary>
    /// Several such folders in place of <see cref="Folder"/>, drawn from in proportion to their tokens; one named twice counts
    /// twice. Held-out text is the first folder's.
    /// </summary>
    public IReadOnlyList<string> Folders { get; init; } = [];

    /// <summary>
    /// Whether every sequence begins with the tokenizer's begin token, in place of the token before its first target: for
    /// models that have seen it at the start of every sequence.
    /// </summary>
    public bool BeginToken { get; init; }

    /// <summary>Tokens of a training sequence, at most the model's context; null for the model's context.</summary>
    [Range(1, int.MaxValue)]
    public int? Context { get; init; }
}
