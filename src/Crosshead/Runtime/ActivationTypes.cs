namespace Crosshead.Runtime;

/// <summary>Names of <see cref="ActivationType"/>, and the one without a choice.</summary>
public static class ActivationTypes
{
    /// <summary>The type unless another is chosen.</summary>
    public const ActivationType Usual = ActivationType.Int8;

    private static readonly ActivationType[] s_types = Enum.GetValues<ActivationType>();

    private static readonly string[] s_names = Array.ConvertAll(s_types, NameOf);

    /// <summary>The names that can be chosen.</summary>
    public static IEnumerable<string> Names => s_names;

    /// <summary>The type of a name.</summary>
    /// <exception cref="CrossheadException">The name is unknown.</exception>
    public static ActivationType Parse(string name) => Array.IndexOf(s_names, name) is >= 0 and var found
        ? s_types[found] : throw new CrossheadException($"type of activations \"{name}\" is unknown; "
            + Suggestion.For(name, s_names));

    /// <summary>The name of a type.</summary>
    public static string NameOf(ActivationType type) => EnumName.Of(type);
}
