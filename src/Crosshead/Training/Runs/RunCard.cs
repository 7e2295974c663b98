using Crosshead.Attention;
using Crosshead.Checkpoints;
using Crosshead.Model;

namespace Crosshead.Training.Runs;

/// <summary>The model card of a model that a run has trained.</summary>
internal static class RunCard
{
    /// <summary>The card.</summary>
    /// <param name="state">The run at its end.</param>
    /// <param name="model">The model's shape.</param>
    /// <param name="run">How the recipe was run.</param>
    public static ModelCard Of(CheckpointState state, ModelOptions model, RunOptions run)
    {
        var (recipe, from) = (state.Recipe, run.From is { } path ? Folder(path) : null);
        var teacher = recipe.Training.Distillation?.Teacher is { Length: > 0 } folder ? Folder(folder) : null;
        return new ModelCard
        {
            // A resumed run no longer knows where it started.
            Summary = (from is not null
                ? $"{from} after further training. The licence is that of the model it was made from."
                : run.Resume ? "A trained language model." : "A language model trained from random weights.")
                + $" Recipe: {recipe.Name}.",
            Options = model,
            Command = run.Command,
            Facts =
            [
                ("Started from", from),
                ("Teacher", teacher is null ? null
                    : state.TeacherHash is { } hash ? $"{teacher}, weights {hash} (XXH128)" : teacher),
                ("Attention", model.Attention.Variant.NameOf()),
                ("Parameters", Quantity.Count(ModelCost.Of(model).Parameters)),
                ("Trained", $"{state.Step} steps, {Quantity.Count(state.Tokens)} tokens, in {recipe.Training.Dtype}"),
                ("Data", DataOf(state)),
                ("Held-out loss", state.HeldOutLoss is { } loss ? $"{loss:0.0000} nats a token" : null),
                ("Cache of a token", $"{Quantity.Bytes(ModelCost.Of(model).CacheBytesPerToken(sizeof(float)))}, in "
                    + "float32"),
            ],
        };
    }

    private static string DataOf(CheckpointState state) => string.Join(", ", state.Recipe.Data.Folders
        .Append(state.Recipe.Data.Folder).Where(f => f.Length > 0).Select(Folder).Append(state.DataHash));

    private static string Folder(string path) =>
        Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));
}
