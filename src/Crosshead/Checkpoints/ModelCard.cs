using System.Text;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Files;
using Crosshead.Model;

namespace Crosshead.Checkpoints;

/// <summary>
/// The model card in a model's folder, <c>README.md</c> as Hugging Face knows it: what was done to make the model, and
/// how to load it. What is not known is left out.
/// </summary>
public sealed record ModelCard
{
    /// <summary>Name of the file.</summary>
    public const string FileName = "README.md";

    // Between these lines stands what depends on the folder's files.
    private const string Begin = "<!-- crosshead: how to load -->", End = "<!-- crosshead: end -->";

    private const string CrossheadLibrary = "library_name: crosshead",
        TransformersLibrary = "library_name: transformers";

    /// <summary>Version of this library, as cards name it.</summary>
    public static string Version { get; } = typeof(ModelCard).Assembly.GetName().Version?.ToString(3) ?? "";

    /// <summary>What was made, in sentences.</summary>
    public required string Summary { get; init; }

    /// <summary>The model's shape.</summary>
    public required ModelOptions Options { get; init; }

    /// <summary>Facts and their values, in their order. A fact whose value is null is left out.</summary>
    public IReadOnlyList<(string Name, string? Value)> Facts { get; init; } = [];

    /// <summary>Tags for Hugging Face beside <c>crosshead</c>.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>The published model that this one was made from, such as <c>org/name</c>; null if unknown.</summary>
    public string? BaseModel { get; init; }

    /// <summary>The command that made the model; null if unknown.</summary>
    public string? Command { get; init; }

    /// <summary>Whether the folder carries code with which Transformers runs the model.</summary>
    public bool CarriesCode { get; init; }

    /// <summary>Whether Transformers runs the model from the folder.</summary>
    private bool IsForTransformers => CarriesCode || ModelConfig.LayoutOf(Options) != TensorLayout.Own;

    /// <summary>
    /// Writes the card into a folder. A card there that has no part of ours is the user's, and stays.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="target">The folder's later name, if it is another one. A user's card there is taken over.</param>
    /// <exception cref="CrossheadException">The card cannot be written.</exception>
    public void Save(string folder, string? target = null)
    {
        var path = Path.Combine(folder, FileName);
        var there = TextIn(folder) ?? (target is null ? null : TextIn(target));
        if (there is not null && !IsOurs(there)) AtomicFile.WriteText(path, there);
        else AtomicFile.WriteText(path, TextFor(target ?? folder));
    }

    /// <summary>
    /// Writes the card of a copy of a model in another form. The card of the original is taken over if there is one;
    /// only how to load the copy is said anew.
    /// </summary>
    /// <param name="original">The original's folder, or its file.</param>
    /// <param name="folder">The folder of the copy.</param>
    /// <param name="target">The folder's later name.</param>
    /// <exception cref="CrossheadException">The card cannot be written.</exception>
    public void SaveCopy(string original, string folder, string target)
    {
        if (TextIn(target) is { } users && !IsOurs(users) || TextIn(original) is not { } known)
        {
            Save(folder, target);
            return;
        }
        if (IsOurs(known))
        {
            var (from, to) = (known.IndexOf(Begin, StringComparison.Ordinal),
                known.IndexOf(End, StringComparison.Ordinal) + End.Length);
            known = known[..from] + Loading(target) + known[to..];
            if (IsForTransformers)
                known = known.Replace(CrossheadLibrary, TransformersLibrary, StringComparison.Ordinal);
        }
        AtomicFile.WriteText(Path.Combine(folder, FileName), known);
    }

    /// <summary>The text of the card.</summary>
    /// <param name="folder">The model's folder.</param>
    public string TextFor(string folder)
    {
        var text = new StringBuilder().Append("---\n")
            .Append(IsForTransformers ? TransformersLibrary : CrossheadLibrary).Append('\n')
            .Append("pipeline_tag: text-generation\n");
        if (BaseModel is not null) text.Append("base_model: ").Append(BaseModel).Append('\n');
        text.Append("tags:\n");
        foreach (var tag in Tags.Prepend("crosshead")) text.Append("- ").Append(tag).Append('\n');
        text.Append("---\n\n# ").Append(NameOf(folder)).Append("\n\n").Append(Summary).Append("\n\n| | |\n|---|---|\n");
        foreach (var (name, value) in Facts.Append(("Crosshead", Version)))
            if (value is not null) text.Append($"| {Cell(name)} | {Cell(value)} |\n");
        if (Command is not null) text.Append("\n```\n").Append(Command).Append("\n```\n");
        return text.Append('\n').Append(Loading(folder)).Append('\n').ToString();
    }

    private string Loading(string folder)
    {
        var name = NameOf(folder);
        var transformers = IsForTransformers
            ? $"With Transformers{(CarriesCode ? ", which runs the folder's own code" : "")}:\n\n```python\n"
                + "from transformers import AutoModelForCausalLM\n\nmodel = AutoModelForCausalLM.from_pretrained("
                + $"\"{name}\"{(CarriesCode ? ", trust_remote_code=True" : "")})\n```"
            : "Transformers runs a copy of the model with code of its own:\n\n"
                + $"```\ncrosshead export {ShellWord.Of(name)} --transformers {ShellWord.Of($"{name}-hf")}\n```";
        return $"{Begin}\n## How to load\n\nWith Crosshead:\n\n```\ncrosshead generate {ShellWord.Of(name)} "
            + $"--prompt \"…\"\n```\n\n{transformers}\n{End}";
    }

    private static string? TextIn(string folder)
    {
        var path = Path.Combine(folder, FileName);
        try
        {
            return File.Exists(path) ? InputFile.ReadText(path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"\"{path}\" cannot be read: {e.Reason()}; make it readable.", e);
        }
    }

    private static bool IsOurs(string text) => text.IndexOf(Begin, StringComparison.Ordinal) is >= 0 and var begin
        && text.IndexOf(End, begin, StringComparison.Ordinal) > 0;

    private static string NameOf(string folder) =>
        Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));

    private static string Cell(string text) => text.Replace("|", "\\|").ReplaceLineEndings(" ");
}
