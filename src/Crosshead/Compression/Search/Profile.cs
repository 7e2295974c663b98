using System.Text.Json;
using System.Text.Json.Serialization;
using Crosshead.Compression.Fits;
using Crosshead.Files;

namespace Crosshead.Compression.Search;

/// <summary>
/// How sensitive a model's loss is to each piece of its cache: for every layer, keys and values, and size.
/// </summary>
public sealed record Profile
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        // a piece may be so small that the loss overflows
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>What was profiled.</summary>
    public required ProfileSource Source { get; init; }

    /// <summary>Key/value heads g.</summary>
    public required int Groups { get; init; }

    /// <summary>Head width d.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Layers L.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Loss of the model as it is, in nats a token.</summary>
    public required double BaseLoss { get; init; }

    /// <summary>The layers measured so far, in order.</summary>
    public IReadOnlyList<LayerProfile> Layers { get; init; } = [];

    /// <summary>Whether every layer has been measured.</summary>
    public bool IsComplete => Layers.Count == LayerCount;

    // Layers in order, and pieces that keep something and no more than whole heads do.
    private bool IsSound => Groups > 0 && HeadDim > 0 && Layers.Count <= LayerCount
        && Layers.Index().All(l => l.Item is { } layer && layer.Layer == l.Index
            && layer.Keys.Concat(layer.Values).All(p => p is { Size: >= 0, Numbers: > 0 } && Enum.IsDefined(p.Method)
                && p.Numbers <= (long)Groups * HeadDim));

    /// <summary>Reads a profile.</summary>
    /// <exception cref="CrossheadException">The file is missing or no profile.</exception>
    public static Profile Load(string path)
    {
        if (!File.Exists(path))
            throw new CrossheadException(
                $"the profile \"{path}\" does not exist; make it with: {MessageTerm.Profiler}.");
        try
        {
            var profile = JsonSerializer.Deserialize<Profile>(File.ReadAllText(path), Json)
                ?? throw new JsonException("it is empty");
            return profile.IsSound ? profile : throw new JsonException("its layers or sizes contradict each other");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException(
                $"\"{path}\" is no profile: {e.Reason()}; make it again with: {MessageTerm.Profiler}.", e);
        }
    }

    /// <summary>Checks that the profile is of a model of some shape.</summary>
    /// <param name="model">The model's shape.</param>
    /// <param name="what">What the profile is called in the message.</param>
    /// <exception cref="CrossheadException">It is of another shape.</exception>
    public void RequireShape(Model.ModelOptions model, string what)
    {
        if ((LayerCount, Groups, HeadDim) != (model.Layers, model.Attention.Groups, model.HeadDim))
            throw new CrossheadException($"{what} is of another model ({LayerCount} layers with {Groups} key/value "
                + $"heads of width {HeadDim}, not {model.Layers} with {model.Attention.Groups} of width "
                + $"{model.HeadDim}); profile this model, or name the other one.");
    }

    /// <summary>The piece nearest to half of what whole heads keep; null where the method was not tried.</summary>
    /// <param name="pieces">The pieces of a layer's keys, or of its values.</param>
    /// <param name="method">How the piece was fitted.</param>
    public ProfiledPiece? AtHalf(IReadOnlyList<ProfiledPiece> pieces, CompressionMethod method) =>
        pieces.Where(p => p.Method == method).MinBy(p => Math.Abs((2 * p.Numbers) - (Groups * HeadDim)));

    /// <summary>Writes the profile, atomically.</summary>
    /// <exception cref="CrossheadException">The file cannot be written.</exception>
    public void Save(string path) => AtomicFile.WriteText(path, JsonSerializer.Serialize(this, Json) + "\n");
}
