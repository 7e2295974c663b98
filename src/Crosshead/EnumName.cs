using System.Reflection;
using System.Text.Json.Serialization;

namespace Crosshead;

/// <summary>
/// Names of enumeration values, as in configuration files. The JSON serializer gives the same names, but has a
/// converter compiled for each enumeration, which a short command waits for.
/// </summary>
public static class EnumName
{
    /// <summary>The name of a value, which must be one of those that its type names.</summary>
    public static string Of(Enum value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var name = $"{value}";
        return value.GetType().GetField(name)!.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name ?? name;
    }

    /// <summary>The names of all values, in the order of their numbers.</summary>
    public static IReadOnlyList<string> AllOf<T>() where T : struct, Enum =>
        [.. Enum.GetValues<T>().Select(value => Of(value))];

    /// <summary>The value of a name.</summary>
    /// <exception cref="CrossheadException">No value has the name.</exception>
    public static T Read<T>(string name) where T : struct, Enum
    {
        foreach (var value in Enum.GetValues<T>())
            if (Of(value) == name) return value;
        throw new CrossheadException($"\"{name}\" is unknown; {Suggestion.For(name, AllOf<T>())}");
    }
}
