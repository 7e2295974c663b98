using Crosshead.Checkpoints.Safetensors;
using Crosshead.Kernels.Common;
using Crosshead.Model;
using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>
/// Gives a model its stored weights. A model for inference gets them as they lie in the files. Into the parameters of
/// other models they are copied, file by file and tensor by tensor. Besides the model, only pages of
/// the current file are in memory, and the system may reclaim these pages.
/// </summary>
internal static class WeightLoader
{
    /// <summary>
    /// Finds the weights of parameters where they lie in the files. Null for weights whose type is none that is
    /// computed with; <see cref="Copy"/> copies these.
    /// </summary>
    /// <param name="files">The files, which <see cref="Check"/> has accepted.</param>
    /// <param name="options">The model's shape.</param>
    public static Func<string, WeightMatrix?> Stored(WeightFiles files, ModelOptions options)
    {
        var places = files.Tensors.Values.SelectMany(t => PartsOf(t, options, files), (Entry, Part) => (Entry, Part))
            .ToDictionary(p => p.Part.Name);
        return name => places.TryGetValue(name, out var place)
            ? files.FileOf(place.Entry.Name).MapRows(place.Entry.Name, place.Part.FirstRow(place.Entry.Shape),
                place.Part.Shape)
            : null;
    }

    /// <summary>
    /// Copies the weights that <see cref="Check"/> has accepted into the parameters that do not use them where they
    /// lie. It copies all or nothing, except if a value is not a number.
    /// </summary>
    /// <exception cref="CrossheadException">A tensor holds NaN or infinity, or a head differs from the embedding it is
    /// tied to.</exception>
    public static void Copy(WeightFiles files, LanguageModel model)
    {
        if (model.Options.TieEmbeddings && TiedHead.Differs(files))
            throw new CrossheadException(
                $"\"{files.Path}\" stores {TiedHead.Head} with other values than {TiedHead.Embedding}, and this model "
                + $"has them as one; set its tie_word_embeddings (in a recipe model.tieEmbeddings) to false.");
        var parameters = model.Parameters.ToDictionary(p => p.Name);
        var notFinite = new List<(string Name, long Count)>();
        using var grad = no_grad();
        foreach (var file in files.Files)
        {
            foreach (var entry in file.Tensors.Values.OrderBy(t => t.Offset))
            {
                var parts = PartsOf(entry, model.Options, files).Where(p => parameters.ContainsKey(p.Name)).ToArray();
                if (parts.Length == 0 || files.FileOf(entry.Name) != file) continue;
                using var scope = NewDisposeScope();
                var stored = file.Map(entry.Name);
                if (NonFinite.Count(stored) is var count and > 0) notFinite.Add((entry.Name, count));
                else
                    foreach (var part in parts.Where(p => parameters[p.Name].Stored is null))
                        parameters[part.Name].Value.copy_(part.In(stored));
            }
            file.Dispose();
        }
        ErrorList.Throw(notFinite, t => $"\"{t.Name}\" ({t.Count} of {files.Tensors[t.Name].Elements})",
            tensors => $"\"{files.Path}\" holds weights that are NaN or infinite: {tensors}; the run that wrote them "
                + $"diverged, or the file is damaged.");
    }

    /// <summary>Checks that the files hold the weights of a model. It makes no model and reads no tensor.</summary>
    /// <param name="options">The model's shape, validated.</param>
    /// <param name="files">The files.</param>
    /// <exception cref="CrossheadException">A tensor is missing, superfluous, of another shape, or not
    /// floating-point.</exception>
    public static void Check(ModelOptions options, WeightFiles files)
    {
        _ = ModelCost.Of(options); // shapes that no number counts are refused here
        var stored = files.Tensors.Values.SelectMany(t => PartsOf(t, options, files), (Entry, Part) => (Entry, Part))
            .ToLookup(s => s.Part.Name);
        ErrorList.Throw(stored.Where(s => s.Count() > 1), s => $"\"{s.Key.Shown()}\"",
            twice => $"\"{files.Path}\" holds a tensor twice, by itself and among experts stored together: {twice}.");
        ErrorList.Throw(ModelParts.Shapes(options).Where(p => !stored.Contains(p.Name)),
            p => $"\"{p.Name}\" of shape {Shape(p.Shape)}",
            missing => $"\"{files.Path}\" lacks the tensor {missing}, which the configuration asks for.");
        var wanted = ModelParts.Shapes(options).ToDictionary(p => p.Name, p => p.Shape); // no more than are stored
        ErrorList.Throw(wanted.Where(p => !stored[p.Key].First().Part.Shape.SequenceEqual(p.Value)),
            p => $"\"{p.Key}\" has shape {Shape(stored[p.Key].First().Part.Shape)}, the configuration asks for "
                + $"{Shape(p.Value)}",
            wrong => $"\"{files.Path}\": tensor {wrong}.");
        ErrorList.Throw(wanted.SelectMany(p => stored[p.Key]).Select(s => s.Entry).Distinct().Where(
            t => !t.Type.IsFloat), t => $"\"{t.Name}\" is of type {t.Type}",
            wrong => $"\"{files.Path}\": tensor {wrong}; weights are "
                + $"{string.Join(", ", SafetensorsType.All.Where(t => t.IsFloat))}.");
        ErrorList.Throw(stored.SelectMany(s => s).Where(s => !wanted.ContainsKey(s.Part.Name)
            && !Ignorable(s.Part.Name, options)), s => $"\"{s.Part.Name.Shown()}\" of shape {Shape(s.Part.Shape)}",
            surplus => $"\"{files.Path}\" holds the tensor {surplus}, which this model has no place for; its "
                + $"config.json belongs to another model.");
    }

    // The parameters that a stored tensor holds.
    private static IEnumerable<StoredPart> PartsOf(SafetensorsEntry entry, ModelOptions options, WeightFiles files) =>
        StoredPart.Of(options.TieEmbeddings ? TiedHead.ParameterOf(entry.Name, files) : entry.Name, entry.Shape);

    // Tied models may store the head again; old checkpoints store the rotary table.
    private static bool Ignorable(string name, ModelOptions options) =>
        (name == TiedHead.Head && options.TieEmbeddings)
        || name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal);

    private static string Shape(long[] shape) => $"[{string.Join(", ", shape)}]";
}
