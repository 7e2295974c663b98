using Crosshead.Checkpoints.Safetensors;
using Crosshead.Kernels.Common;
using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Weights;
using TorchSharp;
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
    /// Finds the weights of parameters where they lie in the files. Quantised weights are packed in memory, if a
    /// format has their numbers and the device multiplies them. Null for other weights, whose type is none that is
    /// computed with; <see cref="Copy"/> copies these.
    /// </summary>
    /// <param name="weights">The weights, which <see cref="Check"/> has accepted.</param>
    /// <param name="options">The model's shape.</param>
    /// <param name="device">Where the model computes; null for the CPU.</param>
    public static Func<string, WeightMatrix?> Stored(FolderWeights weights, ModelOptions options, Device? device)
    {
        var places = weights.ByName.Values
            .SelectMany(w => PartsOf(w, options, weights), (Weight, Part) => (Weight, Part))
            .ToDictionary(p => p.Part.Name);
        var packs = device is null or { type: DeviceType.CPU or DeviceType.CUDA };
        return name => !places.TryGetValue(name, out var place) ? null : place.Weight switch
        {
            TensorWeight weight => place.Part.FirstRow(weight.Shape) is not { } first ? null
                : weights.Files.FileOf(weight.Entry.Name).MapRows(weight.Entry.Name, first, place.Part.Shape),
            var weight => packs ? weights.Packed(weight, place.Part) : null,
        };
    }

    /// <summary>
    /// Copies the weights that <see cref="Check"/> has accepted into the parameters that do not use them where they
    /// lie. It copies all or nothing, except if a value is not a number; these are counted.
    /// </summary>
    /// <exception cref="CrossheadException">A head differs from the embedding it is tied to.</exception>
    public static void Copy(FolderWeights weights, LanguageModel model)
    {
        if (model.Whole.TieEmbeddings && TiedHead.Differs(weights))
            throw new CrossheadException(
                $"\"{weights.Path}\" stores {TiedHead.Head} with other values than {TiedHead.Embedding}, and this "
                + $"model has them as one; set its tie_word_embeddings (in a recipe model.tieEmbeddings) to false.");
        var parameters = model.Parameters.ToDictionary(p => p.Name);
        foreach (var weight in weights.FileByFile())
        {
            var parts = PartsOf(weight, model.Whole, weights).Where(p => parameters.ContainsKey(p.Name)).ToArray();
            if (parts.Length == 0) continue;
            // Of the ranks that share a model out, the first checks weights that are used where they lie.
            if (model.Ranks is { Rank: > 0 } && parts.All(p => parameters[p.Name].Stored is not null)) continue;
            // A rank has only a part of a tensor.
            WeightMatrix[] stored = weight is TensorWeight && model.Ranks is not null ? []
                : [.. parts.Select(p => parameters[p.Name].Stored).OfType<WeightMatrix>()];
            if (stored.Length == parts.Length) weights.Look(weight, stored);
            else weights.Note(weight,
                weight.Pieces.Sum(piece => CopyPiece(weights, weight, piece, parts, parameters)));
        }
    }

    // Copies a piece of a weight, unless values are no numbers, and returns how many are none.
    private static long CopyPiece(FolderWeights weights, StoredWeight weight, (long Start, long Count) piece,
        StoredPart[] parts, Dictionary<string, Parameter> parameters)
    {
        LibTorch.EnsureLoaded();
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        var values = weight.Read(weights.Files, piece.Start, piece.Count);
        if (NonFinite.Count(values) is var count and > 0) return count;
        foreach (var part in parts.Where(p => parameters[p.Name].Stored is null))
            part.Copy(values, piece.Start, parameters[part.Name].Write);
        return 0;
    }

    /// <summary>Checks that the files hold the weights of a model. It makes no model and reads no tensor.</summary>
    /// <param name="options">The model's shape, validated.</param>
    /// <param name="weights">The weights.</param>
    /// <exception cref="CrossheadException">A tensor is missing, superfluous, of another shape, or not
    /// floating-point.</exception>
    public static void Check(ModelOptions options, FolderWeights weights)
    {
        _ = ModelCost.Of(options); // shapes that no number counts are refused here
        var stored = weights.ByName.Values
            .SelectMany(w => PartsOf(w, options, weights), (Weight, Part) => (Weight, Part))
            .ToLookup(s => s.Part.Name);
        ErrorList.Throw(stored.Where(s => s.Count() > 1), s => $"\"{s.Key.Shown()}\"",
            twice => $"\"{weights.Path}\" holds a tensor twice, by itself and among experts stored together: {twice}.");
        ErrorList.Throw(ModelParts.Shapes(options).Where(p => !stored.Contains(p.Name)),
            p => $"\"{p.Name}\" of shape {Shape(p.Shape)}",
            missing => $"\"{weights.Path}\" lacks the tensor {missing}, which the configuration asks for.");
        var wanted = ModelParts.Shapes(options).ToDictionary(p => p.Name, p => p.Shape); // no more than are stored
        ErrorList.Throw(wanted.Where(p => !stored[p.Key].First().Part.Shape.SequenceEqual(p.Value)),
            p => $"\"{p.Key}\" has shape {Shape(stored[p.Key].First().Part.Shape)}, the configuration asks for "
                + $"{Shape(p.Value)}",
            wrong => $"\"{weights.Path}\": tensor {wrong}.");
        ErrorList.Throw(wanted.SelectMany(p => stored[p.Key]).Select(s => s.Weight).Distinct()
            .Where(w => !w.IsReadable), w => $"\"{w.Name}\" is of type {w.Tensors[0].Type}",
            wrong => $"\"{weights.Path}\": tensor {wrong}; weights are "
                + $"{string.Join(", ", SafetensorsType.All.Where(t => t.IsFloat))}.");
        ErrorList.Throw(stored.SelectMany(s => s).Where(s => !wanted.ContainsKey(s.Part.Name)
            && !Ignorable(s.Part.Name, options) && !weights.Layout.IsOfDraftLayer(s.Part.Name)
            && !weights.IsZeroBias(s.Weight.Name) && s.Weight.Elements > 0),
            s => $"\"{s.Part.Name.Shown()}\" of shape {Shape(s.Part.Shape)}",
            surplus => $"\"{weights.Path}\" holds the tensor {surplus}, which this model has no place for; its "
                + $"config.json belongs to another model.");
    }

    // The parameters that a stored weight holds.
    private static IEnumerable<StoredPart> PartsOf(StoredWeight weight, ModelOptions options, FolderWeights weights) =>
        weights.Layout.PartsOf(options.TieEmbeddings ? TiedHead.ParameterOf(weight.Name, weights) : weight.Name,
            weight.Shape);

    // Tied models may store the head again; old checkpoints store the rotary table.
    private static bool Ignorable(string name, ModelOptions options) =>
        (name == TiedHead.Head && options.TieEmbeddings)
        || name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal);

    private static string Shape(long[] shape) => $"[{string.Join(", ", shape)}]";
}
