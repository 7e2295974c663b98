using System.Globalization;
using Crosshead.Attention;
using Crosshead.Checkpoints.Safetensors;

namespace Crosshead.TextModels.Verification;

/// <summary>
/// The shape of the attention layer of a golden file, from its metadata. The tensors were checked against it.
/// </summary>
internal sealed class GoldenShape
{
    private const int Most = 1 << 16; // of heads, of numbers of a head, and of the width
    private const string Remedy = "get the golden file again.";

    private readonly SafetensorsReader _file;

    /// <summary>Reads the metadata, and checks the tensors' shapes.</summary>
    /// <param name="file">An open golden file.</param>
    /// <exception cref="CrossheadException">A number is missing or out of range, or a tensor is missing or contradicts
    /// the numbers.</exception>
    public GoldenShape(SafetensorsReader file)
    {
        _file = file;
        Dim = Count("dim");
        LayerIndex = Count("layer_index", least: 0);
        (HeadDim, RopeBase) = (Count("head_dim"), Positive("rope_base"));
        var (variant, heads) = (file.Metadata["variant"], Count("heads"));
        var components = Count("component_heads", most: heads);
        var composes = variant is "mea" or "mea-no-norm";
        Options = new AttentionOptions
        {
            Variant = AttentionVariants.Parse(variant),
            Heads = heads,
            KeyValueHeads = Count("kv_heads", most: heads),
            HeadDim = HeadDim,
            KeyComponents = composes ? components : null,
            ValueComponents = composes ? components : null,
            HeadNormEpsilon = Positive("eps"),
        };
        Options.Validate();
        Require("weight.q", [(long)heads * HeadDim, Dim]); // before memory is taken for such weights
        if (ShapeOf("x") is not [> 0, > 0, var width] || width != Dim)
            throw Wrong("x", $"expected [batch, length, {Dim}]");
        foreach (var name in new[] { "out", "probe", "grad.x" }) Require(name, ShapeOf("x"));
        foreach (var name in file.Tensors.Keys.Where(n => n.StartsWith("weight.", StringComparison.Ordinal)))
            Require($"grad.{name["weight.".Length..]}", ShapeOf(name));
    }

    /// <summary>The layer.</summary>
    public AttentionOptions Options { get; }

    /// <summary>Numbers of a head.</summary>
    public int HeadDim { get; }

    /// <summary>Numbers of a token.</summary>
    public int Dim { get; }

    /// <summary>The layer's number in its model, from 0.</summary>
    public int LayerIndex { get; }

    /// <summary>Base of the rotary angles.</summary>
    public double RopeBase { get; }

    private void Require(string tensor, IReadOnlyList<long> expected)
    {
        if (!ShapeOf(tensor).SequenceEqual(expected)) throw Wrong(tensor, $"expected [{string.Join(", ", expected)}]");
    }

    private IReadOnlyList<long> ShapeOf(string tensor) => _file.Tensors.TryGetValue(tensor, out var entry)
        ? entry.Shape : throw new CrossheadException($"\"{_file.Path}\" lacks the tensor \"{tensor}\"; {Remedy}");

    private CrossheadException Wrong(string tensor, string expected) => new(
        $"\"{_file.Path}\": tensor \"{tensor}\" has shape [{string.Join(", ", ShapeOf(tensor))}], {expected}; "
        + Remedy);

    private int Count(string key, int least = 1, int most = Most) => Number(key) is var value
        && value >= least && value <= most
        && value == Math.Floor(value) ? (int)value
        : throw new CrossheadException($"\"{_file.Path}\": the metadata's \"{key}\" is "
            + $"{_file.Metadata[key].Shown()}, a whole number from {least} to {most} is allowed; {Remedy}");

    private double Positive(string key) => Number(key) is var value && value > 0 && double.IsFinite(value) ? value
        : throw new CrossheadException($"\"{_file.Path}\": the metadata's \"{key}\" is "
            + $"{_file.Metadata[key].Shown()}, it must be above 0; {Remedy}");

    private double Number(string key) => _file.Metadata.TryGetValue(key, out var text)
        && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value
        : throw new CrossheadException(
            $"\"{_file.Path}\" lacks the number \"{key}\" in its metadata; it is not a golden attention file.");
}
