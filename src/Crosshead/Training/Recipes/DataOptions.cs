using System.ComponentModel.DataAnnotations;

namespace Crosshead.Training.Recipes;

/// <summary>What a run is trained on.</summary>
public sealed record DataOptions
{
    /// <summary>
    /// A folder of prepared text (<c>crosshead data prepare</c>), as seen from the folder that the command runs in.
    /// </summary>
    public string Folder { get; init; } = "";

    /// <summary>
    /// Several such folders, in place of <see cref="Folder"/>. Each is drawn from in proportion to its tokens; a folder
    /// named twice counts twice. Held-out text is the first folder's.
    /// </summary>
    public IReadOnlyList<string> Folders { get; init; } = [];

    /// <summary>
    /// Whether the tokenizer's begin token stands at the start of every sequence. Set it for models that have learned
    /// with one, such as Llama.
    /// </summary>
    public bool BeginToken { get; init; }

    /// <summary>Tokens of a training sequence, at most <c>model.context</c>. Null: <c>model.context</c>.</summary>
    [Range(1, int.MaxValue)]
    public int? Context { get; init; }
}
