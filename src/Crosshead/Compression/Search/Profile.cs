using System.Text.Json;
using System.Text.Json.Serialization;
using Crosshead.Compression.Fits;
using Crosshead.Files;

namespace Crosshead.Compression.Search;

/// <summary>
/// How much a model's loss increases with each piece of its cache: the keys or the values of one layer at one size.
/// </summary>
public sealed record Profile
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        // NaN and infinity are allowed, because a very small piece can make the loss overflow.
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>The model and the text of the profile.</summary>
    public required ProfileSource Source { get; init; }

    /// <summary>Number of key/value heads g.</summary>
    public required int Groups { get; init; }

    /// <summary>Head width d.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Width of the latent vectors; null for attention with heads.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? LatentRank { get; init; }

    /// <summary>Number of layers L.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Loss of the original model, in nats per token.</summary>
    public required double BaseLoss { get; init; }

    /// <summary>The layers measured so far, in order.</summary>
    public IReadOnlyList<LayerProfile> Layers { get; init; } = [];

    /// <summary>Whether every layer has been measured.</summary>
    public bool IsComplete => Layers.Count == LayerCount;

    /// <summary>What the cache of a layer keeps of a token.</summary>
    [JsonIgnore]
    internal PlainCache Cache => PlainCache.Of(Groups, HeadDim, LatentRank);

    // Layers must be in order. A piece keeps at least one number, and no more numbers than whole heads.
    private bool IsSound => Groups > 0 && HeadDim > 0 && Layers.Count <= LayerCount
        && Layers.Index().All(l => l.Item is { } layer && layer.Layer == l.Index
            && layer.Keys.Concat(layer.Values).All(p => p is { Size: >= 0, Numbers: > 0 } && Enum.IsDefined(p.Method)
                && p.Numbers <= Math.Max((long)Groups * HeadDim, LatentRank ?? 0)));

    /// <summary>Reads a profile from a file.</summary>
    /// <exception cref="CrossheadException">The file is missing or does not hold a valid profile.</exception>
    public static Profile Load(string path)
    {
        if (!File.Exists(path))
            throw new CrossheadException(
                $"the profile \"{path}\" {InputFile.Absence(path)}; make it with: {MessageTerm.Profiler}.");
        try
        {
            var profile = JsonSerializer.Deserialize<Profile>(InputFile.ReadText(path), Json)
                ?? throw new JsonException("it is empty");
            return profile.IsSound ? profile : throw new JsonException("its layers or sizes contradict each other");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException(
                $"\"{path}\" is no profile: {e.Reason()}; make it again with: {MessageTerm.Profiler}.", e);
        }
    }

    /// <summary>Checks that the profile fits a model's shape.</summary>
    /// <param name="model">The model's shape.</param>
    /// <param name="what">The name of the profile in the message.</param>
    /// <exception cref="CrossheadException">The profile is of a model with another shape.</exception>
    public void RequireShape(Model.ModelOptions model, string what)
    {
        if ((LayerCount, Groups, HeadDim, LatentRank)
            != (model.Layers, model.Attention.Groups, model.HeadDim, model.Attention.Latent?.Rank))
            throw new CrossheadException($"{what} is of another model ({LayerCount} layers with {Groups} key/value "
                + $"heads of width {HeadDim}, not {model.Layers} with {model.Attention.Groups} of width "
                + $"{model.HeadDim}); profile this model, or name the other one.");
    }

    /// <summary>Returns the piece nearest to half the size of whole heads; null if the method was not tried.</summary>
    /// <param name="pieces">The pieces of a layer's keys, or of its values.</param>
    /// <param name="method">The method of the fit.</param>
    public ProfiledPiece? AtHalf(IReadOnlyList<ProfiledPiece> pieces, CompressionMethod method) =>
        pieces.Where(p => p.Method == method).MinBy(p => Math.Abs((2 * p.Numbers) - Cache.Values));

    /// <summary>Writes the profile to a file, atomically.</summary>
    /// <exception cref="CrossheadException">The file cannot be written.</exception>
    public void Save(string path) => AtomicFile.WriteText(path, JsonSerializer.Serialize(this, Json) + "\n");
}
