using Crosshead.Checkpoints.Gguf;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Kernels.Common;
using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>The open weights of a GGUF file, or of a directory with such files.</summary>
/// <param name="file">The file, disposed with this object.</param>
/// <param name="ofFolder">Whether it is of a directory, see <see cref="GgufFolder"/>.</param>
internal sealed class GgufWeights(GgufReader file, bool ofFolder = false) : IModelWeights
{
    private const int ElementsAtOnce = 1 << 20; // whole blocks of every type

    private readonly EarlyCheck _early = new(); // whole tensors
    private readonly Dictionary<string, long> _notFinite = []; // how many weights are not, by tensor
    private readonly Dictionary<string, GgufParameter> _places = []; // of the model that was asked for

    /// <summary>Whether some of the numbers share scales.</summary>
    public bool AreQuantized => file.Tensors.Values.Any(t => t.Type.BlockSize > 1);

    /// <inheritdoc/>
    public void Check(ModelOptions options)
    {
        var (described, stored) = (ModelCost.Of(options).Parameters, file.Tensors.Values.Sum(t => t.Elements));
        // Above that many the walk through the parameters would not end soon.
        if (described / 2 > stored)
            throw new CrossheadException($"\"{file.Path}\" cannot be loaded: {Describes} a model of "
                + $"{Quantity.Count(described)} parameters, its tensors hold {Quantity.Count(stored)} numbers; get the "
                + "file again.");
        var wanted = ModelParts.Shapes(options).Select(p => PlaceOf(p.Name, p.Shape, options))
            .DistinctBy(p => p.Tensor).ToDictionary(p => p.Tensor);
        ErrorList.Throw(wanted.Values.Where(p => !file.Tensors.ContainsKey(p.Tensor)),
            p => $"\"{p.Tensor}\" of shape {Shown(p.Shape)}",
            missing => $"\"{file.Path}\" lacks the tensor {missing}, which {Asks}.");
        ErrorList.Throw(wanted.Values.Where(p => !p.Fits(file.Tensors[p.Tensor])),
            p => $"\"{p.Tensor}\" has shape {Shown(file.Tensors[p.Tensor].Shape)}, {Asks} {Shown(p.Shape)}",
            wrong => $"\"{file.Path}\": tensor {wrong}.");
        ErrorList.Throw(wanted.Values.Select(p => file.Tensors[p.Tensor]).Where(t => !t.Type.CanRead),
            t => $"{t.Name} has type {t.Type}", unread => $"\"{file.Path}\": tensor {unread}, {GgufType.Remedy}");
        ErrorList.Throw(file.Tensors.Values.Where(t => !wanted.ContainsKey(t.Name) && !Ignorable(t.Name, options)),
            t => $"\"{t.Name.Shown()}\" of shape {Shown(t.Shape)}",
            surplus => $"\"{file.Path}\" holds the tensor {surplus}, which this model has no place for; "
                + (ofFolder ? $"its {ModelFileNames.Configuration} belongs to another model."
                    : $"it is of a kind of {GgufArchitectures.Of(options.Family).Name} that is not supported."));
    }

    /// <inheritdoc/>
    public Func<string, WeightMatrix?> Stored(ModelOptions options, Device? device)
    {
        var parts = ModelParts.Shapes(options).ToDictionary(p => p.Name,
            p => PlaceOf(p.Name, p.Shape, options));
        return name => Stored(parts[name]);
    }

    /// <inheritdoc/>
    public void BeginCheck(FirstLook look) => _early.Begin(look,
        from tensor in file.Tensors.Values
        let columns = tensor.Dimensions[0]
        where tensor.Type.CanRead && tensor.Type.Format!.RowBytes(columns) <= int.MaxValue
        select KeyValuePair.Create(tensor.Name,
            file.Matrix(tensor.Name, 0, tensor.Elements / columns, (int)columns)));

    /// <inheritdoc/>
    public void CopyTo(LanguageModel model)
    {
        var parts = model.Parameters.Select(p => (Parameter: p, Place: PlaceOf(p.Name,
            [.. p.Part?.Whole ?? p.Shape], model.Whole))).ToArray();
        var rest = parts.Where(p => !_early.Covers(p.Place.Tensor)).ToArray();
        var stored = rest.Where(p => p.Parameter.Stored is not null)
            .Select(p => new KeyValuePair<string, WeightMatrix>(p.Place.Tensor, p.Parameter.Stored!));
        foreach (var (tensor, count) in FiniteCheck.Begin([.. stored]).End()) Note(tensor, count);
        foreach (var (parameter, place) in parts.Where(p => p.Parameter.Stored is null))
        {
            var count = Copy(place, parameter);
            if (!_early.Covers(place.Tensor)) Note(place.Tensor, count);
        }
    }

    /// <inheritdoc/>
    public void RequireFinite()
    {
        foreach (var (tensor, count) in _early.End()) Note(tensor, count);
        ErrorList.Throw(_notFinite, t => $"\"{t.Key}\" ({t.Value} of {file.Tensors[t.Key].Elements})",
            tensors => $"\"{file.Path}\" holds weights that are NaN or infinite: {tensors}; the model that was "
                + "converted diverged, or the file is damaged.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _early.Dispose();
        file.Dispose();
    }

    private GgufParameter PlaceOf(string name, long[] shape, ModelOptions options)
    {
        if (!_places.TryGetValue(name, out var place))
            _places[name] = place = ofFolder ? GgufParameter.Named(name, shape)
                : GgufParameter.Of(name, shape, options);
        return place;
    }

    private void Note(string tensor, long count)
    {
        if (count > 0) _notFinite[tensor] = _notFinite.GetValueOrDefault(tensor) + count;
    }

    // Whole rows where they lie, or a copy of a vector in the order of the model.
    private WeightMatrix? Stored(GgufParameter part)
    {
        var tensor = file.Tensors[part.Tensor];
        if (part.Added != 0) return part.IsMatrix || part.IsTurned ? null : Lessened(part);
        // The numbers of a vector are put in order one by one.
        var columns = part.IsTurned && !part.IsMatrix ? 1 : tensor.Dimensions[0];
        if (columns > int.MaxValue || columns % tensor.Type.BlockSize != 0) return null;
        var matrix = file.Matrix(part.Tensor, part.First, part.Count / columns, (int)columns);
        if (!part.IsTurned) return matrix;
        using (matrix)
        {
            if (part.IsMatrix) return matrix.InOrder(part.Order!);
            using var ordered = matrix.Reordered(part.RowOf);
            return ordered.AsRow();
        }
    }

    // A vector of which the file's numbers are more.
    private WeightMatrix Lessened(GgufParameter part)
    {
        var values = new float[part.Count];
        file.Read(part.Tensor, part.First, values);
        for (var i = 0; i < values.Length; i++) values[i] -= (float)part.Added;
        var vector = WeightMatrix.OfZeros(WeightFormat.F32, 1, values.Length);
        vector.Write(0, values);
        return vector;
    }

    // Copies values that are numbers, and returns how many are none.
    private long Copy(GgufParameter part, Parameter parameter)
    {
        LibTorch.EnsureLoaded();
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        var values = Read(part);
        var count = NonFinite.Count(values);
        if (count == 0) parameter.Write(part.Ordered(values));
        return count;
    }

    // The values of a parameter, in the order of the file.
    private unsafe Tensor Read(GgufParameter part)
    {
        var values = empty([part.Count], ScalarType.Float32);
        var start = (float*)Aten.DataPointer(values);
        var pieces = (part.Count + ElementsAtOnce - 1) / ElementsAtOnce;
        Parallel.For(0, pieces, new ParallelOptions { MaxDegreeOfParallelism = ComputeThreads.Count }, piece =>
        {
            var at = piece * ElementsAtOnce;
            file.Read(part.Tensor, part.First + at,
                new Span<float>(start + at, (int)Math.Min(part.Count - at, ElementsAtOnce)));
        });
        GC.KeepAlive(values);
        return values;
    }

    // Old files have a table of rotary frequencies, which the keys say. Scalings are read with the shape, and layers
    // behind the last one draft further tokens.
    private bool Ignorable(string name, ModelOptions options)
    {
        if (ofFolder) return false;
        var (scaling, experts) = (GgufArchitectures.Of(options.Family).Scaling,
            GgufArchitectures.Of(options.Family).Experts);
        return name.EndsWith(".attn_rot_embd.weight", StringComparison.Ordinal)
            || (scaling.HasDivisors && name == GgufScaling.Divisors)
            || (scaling.HasLongRope && name is GgufScaling.LongFactors or GgufScaling.ShortFactors)
            || (experts.IsDescribed && GgufNames.LayerOf(name) >= options.Layers);
    }

    // What says the shape of the model.
    private string Asks => ofFolder ? $"{ModelFileNames.Configuration} asks for" : "its keys ask for";

    private string Describes => ofFolder ? $"{ModelFileNames.Configuration} describes" : "its keys describe";

    private static string Shown(long[] shape) => $"[{string.Join(", ", shape)}]";
}
