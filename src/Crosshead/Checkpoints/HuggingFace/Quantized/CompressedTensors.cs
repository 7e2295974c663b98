using System.Text.RegularExpressions;
using Crosshead.Checkpoints.Safetensors;

namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>
/// The method <c>compressed-tensors</c>. Groups of modules have a scheme each. A module is quantised if a group's
/// <c>targets</c> name it or its class, and <c>ignore</c> does not. Names that begin with <c>re:</c> are patterns.
/// </summary>
internal sealed class CompressedTensors : IQuantization
{
    private static readonly TimeSpan PatternPatience = TimeSpan.FromSeconds(1);
    private static readonly string[] LinearClass = ["Linear"];

    private readonly List<(string[] Targets, WeightScheme Scheme)> _groups = [];
    private readonly List<string> _unquantized = [];
    private readonly string[] _ignored;
    private readonly ConfigValues _values;

    private CompressedTensors(ConfigValues values)
    {
        _values = values;
        _ignored = values.Or<string[]>("ignore", []);
        if (values.Child("sparsity_config") is { } sparsity && sparsity.Or("format", "dense") != "dense")
            throw Quantizations.NotSupported(sparsity, "format", "dense");
        if (values.Child("transform_config") is { } transform && transform.Keys.Any())
            throw Quantizations.NotSupported(values, "transform_config", "null");
        var groups = values.Child("config_groups") ?? throw values.Error("quantization_config lacks \"config_groups\"");
        foreach (var group in groups.Keys.Select(k => groups.Child(k)).OfType<ConfigValues>())
        {
            var format = group["format"] is null ? values : group;
            _groups.Add((group.Or<string[]>("targets", []), WeightScheme.Read(group, format)));
            if (group["input_activations"] is not null || group["output_activations"] is not null)
                _unquantized.Add("activations");
        }
        if (_groups.Count == 0) throw Quantizations.NotSupported(values, "config_groups", "at least one group");
        if (values["kv_cache_scheme"] is not null) _unquantized.Add("the cache of keys and values");
    }

    /// <inheritdoc/>
    public string Description =>
        $"compressed-tensors: {string.Join("; ", _groups.Select(g => g.Scheme.ToString()).Distinct())}";

    /// <inheritdoc/>
    public IReadOnlyList<string> Unquantized => [.. _unquantized.Distinct()];

    /// <summary>Reads the settings.</summary>
    /// <exception cref="CrossheadException">A setting is missing, or not supported.</exception>
    public static CompressedTensors Read(ConfigValues values) => new(values);

    /// <inheritdoc/>
    public StoredWeight? WeightOf(ModuleTensors module)
    {
        // A weight of floating-point numbers without scales is not quantised, whatever the groups say.
        if (module.Find("weight_packed") is null && module.Find("weight_scale") is null
            && module.Find("weight") is not { Type.IsFloat: false }) return null;
        return IsNamed(module.Name, _ignored) ? null
            : _groups.FirstOrDefault(g => IsNamed(module.Name, g.Targets)).Scheme?.WeightOf(module);
    }

    /// <inheritdoc/>
    public bool IsUnused(string tensor) => Scales.IsOfActivations(tensor);

    // All modules of these models that have matrices, but for the embedding, are of the class Linear.
    private bool IsNamed(string module, string[] names) => names.Any(name =>
        name == module || LinearClass.Contains(name)
            || (name.StartsWith("re:", StringComparison.Ordinal) && IsMatch(module, name[3..])));

    // As Python's re.match: from the start of the name, not necessarily to its end.
    private bool IsMatch(string module, string pattern)
    {
        try
        {
            return Regex.IsMatch(module, $@"\A(?:{pattern})", RegexOptions.CultureInvariant, PatternPatience);
        }
        catch (Exception e) when (e is ArgumentException or RegexMatchTimeoutException)
        {
            throw _values.Error($"quantization_config: the pattern \"{pattern.Shown()}\" cannot be used: {e.Reason()}",
                e);
        }
    }
}
