using System.Reflection;
using System.Text.Json.Serialization;

namespace Crosshead;

/// <summary>
/// Names of enumeration values, as in configuration files. The JSON serializer gives the same names, but has a
/// converter compiled for each enumeration, which a short command waits for.
/// </summary>
public static class EnumName
{
    /// <summary>The name of a value.</summary>
    public static string Of(Enum value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var name = $"{value}";
        return value.GetType().GetField(name)!.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name ?? name;
    }

    /// <summary>The names of all values, in their order.</summary>
    public static string[] AllOf(Type type) => [.. Enum.GetValues(type).Cast<Enum>().Select(Of)];

    /// <summary>The value of a name.</summary>
    public static T Read<T>(string name) where T : struct, Enum =>
        (T)Enum.GetValues(typeof(T)).GetValue(Array.IndexOf(AllOf(typeof(T)), name))!;
}
