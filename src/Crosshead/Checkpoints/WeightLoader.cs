using Crosshead.Kernels;
using Crosshead.Layers;
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
        Check(model, files);
        var parameters = model.Parameters.ToDictionary(p => p.Name);
        var notFinite = new List<(string Name, long Count)>();
        using var grad = no_grad();
        foreach (var file in files.Files)
        {
            foreach (var entry in file.Tensors.Values.OrderBy(t => t.Offset))
            {
                if (!parameters.TryGetValue(entry.Name, out var parameter) || files.FileOf(entry.Name) != file) continue;
                using var scope = NewDisposeScope();
                var stored = file.Map(entry.Name);
                if (NonFinite.Count(stored) is var count and > 0) notFinite.Add((entry.Name, count));
                else parameter.Value.copy_(stored);
            }
            file.Dispose();
        }
        Problems.Throw(notFinite, t => $"\"{t.Name}\" ({t.Count} of {files.Tensors[t.Name].Elements})",
            tensors => $"\"{files.Path}\" holds weights that are NaN or infinite: {tensors}; the run that wrote them diverged, or the file is damaged.");
    }

    private static void Check(LanguageModel model, WeightFiles files)
    {
        var wanted = model.Parameters.ToDictionary(p => p.Name);
        Problems.Throw(model.Parameters.Where(p => !files.Tensors.ContainsKey(p.Name)), p => $"\"{p.Name}\" of shape {Shape(p.Value.shape)}",
            missing => $"\"{files.Path}\" lacks the tensor {missing}, which the configuration asks for.");
        Problems.Throw(Pairs(model, files).Where(p => !p.Stored.Shape.SequenceEqual(p.Parameter.Value.shape)),
            p => $"\"{p.Stored.Name}\" has shape {Shape(p.Stored.Shape)}, the configuration asks for {Shape(p.Parameter.Value.shape)}",
            wrong => $"\"{files.Path}\": tensor {wrong}.");
        Problems.Throw(Pairs(model, files).Where(p => !p.Stored.Type.IsFloat), p => $"\"{p.Stored.Name}\" is of type {p.Stored.Type}",
            wrong => $"\"{files.Path}\": tensor {wrong}; weights are {string.Join(", ", SafetensorsType.All.Where(t => t.IsFloat))}.");
        Problems.Throw(files.Tensors.Values.Where(t => !wanted.ContainsKey(t.Name) && !Ignorable(t.Name, model)), t => $"\"{StrictJson.Shown(t.Name)}\" of shape {Shape(t.Shape)}",
            surplus => $"\"{files.Path}\" holds the tensor {surplus}, which this model has no place for; its config.json belongs to another model.");
    }

    private static IEnumerable<(Parameter Parameter, SafetensorsEntry Stored)> Pairs(LanguageModel model, WeightFiles files) =>
        model.Parameters.Select(p => (p, files.Tensors[p.Name]));

    // Tied models may store the head again; old checkpoints store the rotary table.
    private static bool Ignorable(string name, LanguageModel model) =>
        (name == "lm_head.weight" && model.Options.TieEmbeddings) || name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal);

    private static string Shape(long[] shape) => $"[{string.Join(", ", shape)}]";
}
