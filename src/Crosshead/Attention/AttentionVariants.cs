using System.Reflection;
using System.Text.Json.Serialization;

namespace Crosshead.Attention;

/// <summary>Names of the variants, as recipes, configurations and the command line write them.</summary>
public static class AttentionVariants
{
    private static readonly Dictionary<string, AttentionVariant> ByName = Enum.GetValues<AttentionVariant>()
        .ToDictionary(NameOf);

    /// <summary>Another name of <c>gqa</c>: with a key and value head for each query head, it is that.</summary>
    public const string MultiHead = "mha";

    /// <summary>All names, but <see cref="MultiHead"/>.</summary>
    public static IEnumerable<string> Names => ByName.Keys;

    /// <summary>The variant of a name, <see cref="MultiHead"/> too.</summary>
    /// <exception cref="CrossheadException">The name is unknown.</exception>
    public static AttentionVariant Parse(string name) =>
        name == MultiHead ? AttentionVariant.Gqa
        : ByName.TryGetValue(name, out var variant) ? variant
        : throw new CrossheadException($"attention variant \"{name}\" is unknown; {Suggestion.For(name, ByName.Keys)}");

    /// <summary>The name of a variant.</summary>
    public static string NameOf(this AttentionVariant variant) =>
        typeof(AttentionVariant)
        .GetField(variant.ToString())!.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()!.Name;
}
