using System.ComponentModel.DataAnnotations;

namespace Crosshead.Training.Recipes;

/// <summary>The text that a run is trained on.</summary>
public sealed record DataOptions
{
    /// <summary>
    /// A folder of prepared text (<c>crosshead data prepare</c>), relative to the folder in which the command runs.
    /// </summary>
    public string Folder { get; init; } = "";

    /// <summary>
    /// Several folders of prepared text, in place of <see cref="Folder"/>. Each folder supplies training text in
    /// proportion to its number of tokens. A folder that is listed twice counts twice. The held-out text is that of the
    /// first folder.
    /// </summary>
    public IReadOnlyList<string> Folders { get; init; } = [];

    /// <summary>
    /// Whether every sequence starts with the tokenizer's begin token. Set true for a model that was trained with a
    /// begin token, such as Llama.
    /// </summary>
    public bool BeginToken { get; init; }

    /// <summary>
    /// Number of tokens per training sequence, at most <c>model.context</c>. Null means <c>model.context</c>.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int? Context { get; init; }
}
