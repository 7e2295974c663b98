using Crosshead.Kernels;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>
/// Copies stored weights into a model's parameters, file by file and tensor by tensor: beside the model, only pages of the
/// file at hand are in memory, and those the system may take back.
/// </summary>
internal static class WeightLoader
{
    /// <summary>Checks that the files hold what the model asks for, then copies; all of it or nothing but for values that are no numbers.</summary>
    /// <exception cref="CrossheadException">A tensor is missing, superfluous, of another shape, no floating-point numbers, or holds NaN or infinity.</exception>
    public static void Load(LanguageModel model, WeightFiles files)
    {
        var partsOf = Check(model, files);
        if (model.Options.TieEmbeddings && TiedHead.Differs(files))
            throw new CrossheadException($"\"{files.Path}\" stores {TiedHead.Head} with other values than {TiedHead.Embedding}, and this model has them as one; set its tie_word_embeddings (in a recipe model.tieEmbeddings) to false.");
        var parameters = model.Parameters.ToDictionary(p => p.Name);
        var notFinite = new List<(string Name, long Count)>();
        using var grad = no_grad();
        foreach (var file in files.Files)
        {
            foreach (var entry in file.Tensors.Values.OrderBy(t => t.Offset))
            {
                var parts = partsOf(entry).Where(p => parameters.ContainsKey(p.Name)).ToArray();
                if (parts.Length == 0 || files.FileOf(entry.Name) != file) continue;
                using var scope = NewDisposeScope();
                var stored = file.Map(entry.Name);
                if (NonFinite.Count(stored) is var count and > 0) notFinite.Add((entry.Name, count));
                else foreach (var part in parts) parameters[part.Name].Value.copy_(part.In(stored));
            }
            file.Dispose();
        }
        Problems.Throw(notFinite, t => $"\"{t.Name}\" ({t.Count} of {files.Tensors[t.Name].Elements})",
            tensors => $"\"{files.Path}\" holds weights that are NaN or infinite: {tensors}; the run that wrote them diverged, or the file is damaged.");
    }

    /// <summary>Checks by headers that the files hold what the model asks for; no weight is read.</summary>
    /// <returns>What parameters a stored tensor holds.</returns>
    /// <exception cref="CrossheadException">A tensor is missing, superfluous, of another shape, or no floating-point numbers.</exception>
    public static Func<SafetensorsEntry, IEnumerable<StoredPart>> Check(LanguageModel model, WeightFiles files)
    {
        IEnumerable<StoredPart> PartsOf(SafetensorsEntry entry) =>
            StoredPart.Of(model.Options.TieEmbeddings ? TiedHead.ParameterOf(entry.Name, files) : entry.Name, entry.Shape);
        var wanted = model.Parameters.ToDictionary(p => p.Name);
        var stored = files.Tensors.Values.SelectMany(PartsOf, (Entry, Part) => (Entry, Part)).ToLookup(s => s.Part.Name);
        Problems.Throw(stored.Where(s => s.Count() > 1), s => $"\"{s.Key.Shown()}\"",
            twice => $"\"{files.Path}\" holds a tensor twice, by itself and among experts stored together: {twice}.");
        Problems.Throw(model.Parameters.Where(p => !stored.Contains(p.Name)), p => $"\"{p.Name}\" of shape {Shape(p.Value.shape)}",
            missing => $"\"{files.Path}\" lacks the tensor {missing}, which the configuration asks for.");
        Problems.Throw(model.Parameters.Where(p => !stored[p.Name].First().Part.Shape.SequenceEqual(p.Value.shape)),
            p => $"\"{p.Name}\" has shape {Shape(stored[p.Name].First().Part.Shape)}, the configuration asks for {Shape(p.Value.shape)}",
            wrong => $"\"{files.Path}\": tensor {wrong}.");
        Problems.Throw(model.Parameters.SelectMany(p => stored[p.Name]).Select(s => s.Entry).Distinct().Where(t => !t.Type.IsFloat), t => $"\"{t.Name}\" is of type {t.Type}",
            wrong => $"\"{files.Path}\": tensor {wrong}; weights are {string.Join(", ", SafetensorsType.All.Where(t => t.IsFloat))}.");
        Problems.Throw(stored.SelectMany(s => s).Where(s => !wanted.ContainsKey(s.Part.Name) && !Ignorable(s.Part.Name, model)), s => $"\"{s.Part.Name.Shown()}\" of shape {Shape(s.Part.Shape)}",
            surplus => $"\"{files.Path}\" holds the tensor {surplus}, which this model has no place for; its config.json belongs to another model.");
        return PartsOf;
    }

    // Tied models may store the head again; old checkpoints store the rotary table.
    private static bool Ignorable(string name, LanguageModel model) =>
        (name == TiedHead.Head && model.Options.TieEmbeddings) || name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal);

    private static string Shape(long[] shape) => $"[{string.Join(", ", shape)}]";
}
