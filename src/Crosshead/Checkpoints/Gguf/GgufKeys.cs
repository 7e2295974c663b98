using System.Globalization;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// The keys of a model's architecture in a GGUF file, such as <c>llama.block_count</c> for <c>block_count</c>.
/// </summary>
/// <param name="metadata">The file's metadata.</param>
/// <param name="path">The file, for messages.</param>
/// <param name="architecture">The architecture's name.</param>
internal sealed class GgufKeys(GgufMetadata metadata, string path, string architecture)
{
    /// <summary>The whole name of a key.</summary>
    public string NameOf(string key) => $"{architecture}.{key}";

    /// <summary>A number of things, at least 1.</summary>
    /// <exception cref="CrossheadException">The key is absent, or its value is no such number.</exception>
    public int Count(string key) => OptionalCount(key) ?? throw Missing(key);

    /// <summary>A number of things, at least 1; null if the key is absent or 0.</summary>
    /// <exception cref="CrossheadException">The value is no such number.</exception>
    public int? OptionalCount(string key) => metadata.Integer(NameOf(key)) is { } value and not 0
        ? InRange(key, value) : null;

    /// <summary>A number of things in each layer, which may be a list with one entry a layer.</summary>
    /// <param name="key">The key.</param>
    /// <param name="layers">Number of layers.</param>
    /// <returns>The number; null if the key is absent or 0.</returns>
    /// <exception cref="CrossheadException">Layers have different numbers, or the list has another length.</exception>
    public int? CountOfLayers(string key, int layers)
    {
        var name = NameOf(key);
        if (!metadata.IsList(name)) return OptionalCount(key);
        var counts = metadata.Integers(name)!;
        if (counts.Count != layers)
            throw Error($"the key {name} is a list of {counts.Count} numbers, the model has {layers} layers; they must "
                + "be equal");
        for (var i = 1; i < layers; i++)
            if (counts[i] != counts[0])
                throw Error($"the key {name} is {counts[0]} in layer 0 and {counts[i]} in layer {i}, which is not "
                    + "supported; all layers must be alike");
        return InRange(key, counts[0]);
    }

    /// <summary>
    /// A number as it was written before it became a number of single precision; null if the key is absent.
    /// </summary>
    /// <exception cref="CrossheadException">The value is no finite number.</exception>
    public double? Number(string key)
    {
        if (metadata.Number(NameOf(key)) is not { } value) return null;
        if (!double.IsFinite(value))
            throw Error($"the key {NameOf(key)} is {value.ToString(CultureInfo.InvariantCulture)}; it must be finite");
        return (float)value == value ? AsWritten((float)value) : value;
    }

    /// <summary>
    /// The shortest decimal number that is this one in single precision: 1e-5 and not 0.0000099999997.
    /// </summary>
    public static double AsWritten(float value) =>
        double.Parse(value.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    /// <summary>A truth value; null if the key is absent.</summary>
    /// <exception cref="CrossheadException">The value is no truth value.</exception>
    public bool? Flag(string key) => metadata.Flag(NameOf(key));

    /// <summary>A text; null if the key is absent.</summary>
    /// <exception cref="CrossheadException">The value is no text.</exception>
    public string? Text(string key) => metadata.Text(NameOf(key));

    /// <summary>Whether a key says something that a model cannot have.</summary>
    /// <param name="key">The key.</param>
    /// <param name="supported">The only value that is supported; for true and false 1 and 0.</param>
    /// <exception cref="CrossheadException">It has another value.</exception>
    public void Require(string key, double supported)
    {
        var name = NameOf(key);
        if (!metadata.Has(name)) return;
        var flag = metadata.TypeOf(name) == GgufValueType.Bool && !metadata.IsList(name);
        var value = metadata.IsList(name) ? double.NaN : flag ? metadata.Flag(name)! == true ? 1 : 0
            : metadata.Number(name)!.Value;
        if (value == supported) return;
        string Shown(double number) => flag ? number == 1 ? "true" : "false"
            : number.ToString(CultureInfo.InvariantCulture);
        throw Error($"the key {name} is {(double.IsNaN(value) ? "a list" : Shown(value))}, which is not supported; "
            + $"supported is {Shown(supported)}");
    }

    /// <summary>The error for a key that is absent or 0.</summary>
    public CrossheadException Missing(string key) => metadata.Has(NameOf(key)) ? OutOfRange(key, 0)
        : Error($"it lacks the key {NameOf(key)}, which a model must have");

    /// <summary>An error of this file.</summary>
    public CrossheadException Error(string reason) => new($"\"{path}\" cannot be loaded: {reason}.");

    private int InRange(string key, long value) =>
        value is > 0 and <= int.MaxValue ? (int)value : throw OutOfRange(key, value);

    private CrossheadException OutOfRange(string key, long value) =>
        Error($"the key {NameOf(key)} is {value}; it must be a number from 1 to {int.MaxValue}");
}
