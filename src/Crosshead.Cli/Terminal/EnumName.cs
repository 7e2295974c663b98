using System.Text.Json;

namespace Crosshead.Cli.Terminal;

/// <summary>Names of enumeration values, as in configuration files.</summary>
internal static class EnumName
{
    /// <summary>The name of a value.</summary>
    public static string Of<T>(T value) where T : struct, Enum =>
        JsonSerializer.SerializeToNode(value)!.GetValue<string>();

    /// <summary>The value of a name.</summary>
    public static T Read<T>(string name) where T : struct, Enum =>
        JsonSerializer.SerializeToNode(name)!.Deserialize<T>();
}
