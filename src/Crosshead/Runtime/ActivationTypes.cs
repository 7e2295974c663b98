using System.Text.Json;

namespace Crosshead.Runtime;

/// <summary>Names of <see cref="ActivationType"/>, and the one without a choice.</summary>
public static class ActivationTypes
{
    /// <summary>The type unless another is chosen.</summary>
    public const ActivationType Usual = ActivationType.Int8;

    private static readonly Dictionary<string, ActivationType> s_names =
        Enum.GetValues<ActivationType>().ToDictionary(NameOf);

    /// <summary>The names that can be chosen.</summary>
    public static IEnumerable<string> Names => s_names.Keys;

    /// <summary>The type of a name.</summary>
    /// <exception cref="CrossheadException">The name is unknown.</exception>
    public static ActivationType Parse(string name) => s_names.TryGetValue(name, out var type) ? type
        : throw new CrossheadException($"type of activations \"{name}\" is unknown; "
            + Suggestion.For(name, s_names.Keys));

    /// <summary>The name of a type.</summary>
    public static string NameOf(ActivationType type) => JsonSerializer.SerializeToNode(type)!.GetValue<string>();
}
