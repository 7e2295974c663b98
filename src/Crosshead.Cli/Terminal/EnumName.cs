using System.Reflection;
using System.Text.Json.Serialization;

namespace Crosshead.Cli.Terminal;

/// <summary>Names of enumeration values, as in configuration files.</summary>
internal static class EnumName
{
    /// <summary>The name of a value.</summary>
    public static string Of(Enum value)
    {
        var name = $"{value}";
        return value.GetType().GetField(name)!.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name ?? name;
    }

    /// <summary>The names of all values, in their order.</summary>
    public static string[] AllOf(Type type) => [.. Enum.GetValues(type).Cast<Enum>().Select(Of)];

    /// <summary>The value of a name.</summary>
    public static T Read<T>(string name) where T : struct, Enum =>
        (T)Enum.GetValues(typeof(T)).GetValue(Array.IndexOf(AllOf(typeof(T)), name))!;
}
