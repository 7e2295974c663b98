using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.HuggingFace.Quantized;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>
/// The open weights of a model directory, by the names of parameters, whether they are stored as they are or quantised.
/// </summary>
internal sealed class FolderWeights : IModelWeights
{
    private readonly Dictionary<string, StoredWeight> _weights = [];
    private readonly HashSet<string> _quantizedModules = [];
    private readonly WeightMemory _packed = new();
    private readonly EarlyCheck _early = new();
    private readonly List<(StoredWeight Weight, long Count)> _notFinite = [];

    private FolderWeights(WeightFiles files, IQuantization? quantization, TensorLayout layout)
    {
        (Files, Layout) = (files, layout);
        var taken = new HashSet<string>();
        if (quantization is not null)
        {
            var separator = quantization.Separator;
            foreach (var module in files.Tensors.Keys.Select(name => ModuleOf(name, separator)).Distinct())
            {
                if (quantization.WeightOf(new ModuleTensors(module, files, separator)) is not { } weight) continue;
                taken.UnionWith(weight.Tensors.Select(t => t.Name));
                if (layout.NameOf(weight.Name) is not { } name) continue;
                _weights.Add(name, weight.Named(name));
                _quantizedModules.Add(module);
            }
        }
        foreach (var tensor in files.Tensors.Values)
        {
            if (!taken.Contains(tensor.Name) && quantization?.IsUnused(tensor.Name) != true
                && layout.NameOf(tensor.Name) is { } name)
                _weights[name] = new TensorWeight(tensor).Named(name);
        }
    }

    /// <summary>The files.</summary>
    public WeightFiles Files { get; }

    /// <summary>Which parameters lie in which tensors.</summary>
    public TensorLayout Layout { get; }

    /// <summary>The file that says where the tensors are.</summary>
    public string Path => Files.Path;

    /// <summary>The weights by name.</summary>
    public IReadOnlyDictionary<string, StoredWeight> ByName => _weights;

    /// <summary>Opens all files and checks their headers. No weight is read yet.</summary>
    /// <param name="path">A model directory, or a <c>.safetensors</c> file.</param>
    /// <param name="quantization">How weights are quantised; null if they are not.</param>
    /// <param name="layout">Which parameters lie in which tensors; null where each is one.</param>
    /// <exception cref="CrossheadException">A file is missing or damaged, or a quantised weight lacks a
    /// tensor.</exception>
    public static FolderWeights Open(string path, IQuantization? quantization, TensorLayout? layout = null)
    {
        var files = WeightFiles.Open(path);
        try
        {
            return new FolderWeights(files, quantization, layout ?? TensorLayout.Own);
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Check(ModelOptions options) => WeightLoader.Check(options, this);

    /// <inheritdoc/>
    public Func<string, WeightMatrix?> Stored(ModelOptions options, Device? device) =>
        WeightLoader.Stored(this, options, device);

    /// <summary>
    /// A parameter of a quantised weight in blocks that are multiplied as they are; null if no format has its numbers.
    /// </summary>
    public WeightMatrix? Packed(StoredWeight weight, StoredPart part)
    {
        LibTorch.EnsureLoaded(); // tensors unpack the numbers
        return weight.Packed(Files, _packed, part);
    }

    /// <inheritdoc/>
    public void BeginCheck(FirstLook look) => _early.Begin(look,
        from weight in _weights.Values.OfType<TensorWeight>()
        let rows = Files.FileOf(weight.Entry.Name).MapRows(weight.Entry.Name, 0, weight.Shape)
        where rows is not null
        select KeyValuePair.Create(weight.Name, rows));

    /// <inheritdoc/>
    public void CopyTo(LanguageModel model) => WeightLoader.Copy(this, model);

    /// <summary>Looks whether a weight of the model is finite, unless that has begun.</summary>
    /// <param name="weight">The weight.</param>
    /// <param name="rows">All its rows.</param>
    public void Look(StoredWeight weight, IReadOnlyList<WeightMatrix> rows)
    {
        if (!_early.Covers(weight.Name)) Note(weight, rows.Sum(FiniteCheck.Count));
    }

    /// <summary>Notes how many numbers of a weight are NaN or infinite.</summary>
    public void Note(StoredWeight weight, long count)
    {
        if (count > 0) _notFinite.Add((weight, count));
    }

    /// <inheritdoc/>
    public void RequireFinite()
    {
        foreach (var (name, count) in _early.End()) Note(_weights[name], count);
        ErrorList.Throw(_notFinite, t => $"\"{t.Weight.Name}\" ({t.Count} of {t.Weight.Elements})",
            tensors => $"\"{Path}\" holds weights that are NaN or infinite: {tensors}; the run that wrote them "
                + $"diverged, or the file is damaged.");
    }

    /// <summary>
    /// All weights, those of one file after those of another. A file is closed when the caller has done with its last
    /// weight.
    /// </summary>
    public IEnumerable<StoredWeight> FileByFile()
    {
        var number = Files.Files.Select((file, i) => (file, i)).ToDictionary(f => f.file, f => f.i);
        int[] FilesOf(StoredWeight weight) =>
            [.. weight.Tensors.Select(t => number[Files.FileOf(t.Name)]).Distinct().Order()];
        var ordered = _weights.Values.Select(w => (Weight: w, Files: FilesOf(w)))
            .OrderBy(w => w.Files[^1]).ThenBy(w => w.Weight.Tensors[0].Offset).ToArray();
        var waiting = new int[number.Count];
        foreach (var file in ordered.SelectMany(w => w.Files)) waiting[file]++;
        foreach (var (weight, files) in ordered)
        {
            yield return weight;
            foreach (var file in files.Where(file => --waiting[file] == 0)) Files.Files[file].Dispose();
        }
    }

    /// <summary>
    /// Whether a weight is the bias of a quantised module, and all zeros. Some programs store such a bias beside every
    /// quantised weight, also for models without biases.
    /// </summary>
    public bool IsZeroBias(string name)
    {
        var stored = _weights[name].Tensors[0].Name;
        if (!name.EndsWith(".bias", StringComparison.Ordinal) || !_quantizedModules.Contains(ModuleOf(stored, '.'))
            || !_weights[name].IsReadable) return false;
        return Files.FileOf(stored).MapRows(stored, 0, _weights[name].Shape) is { } rows ? AreZeros(rows)
            : _weights[name].Elements == 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _early.Dispose();
        _packed.Dispose();
        Files.Dispose();
    }

    private static bool AreZeros(WeightMatrix rows)
    {
        using (rows)
        {
            var values = new float[rows.Columns];
            for (var row = 0L; row < rows.Rows; row++)
            {
                rows.Read(row, values);
                if (values.AsSpan().ContainsAnyExcept(0)) return false;
            }
            return true;
        }
    }

    private static string ModuleOf(string tensor, char separator) =>
        tensor[..Math.Max(tensor.LastIndexOf(separator), 0)];
}
