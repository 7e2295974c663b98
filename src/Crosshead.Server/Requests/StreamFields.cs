using System.Text.Json;
using Crosshead.Server.Fields;
using Crosshead.Server.Http;

namespace Crosshead.Server.Requests;

/// <summary>Reads whether and how an answer is streamed.</summary>
internal static class StreamFields
{
    /// <summary>Whether it is, whether it ends with the numbers of tokens, and whether every event has them.</summary>
    /// <exception cref="ApiException">Options are given without a stream, or are of the wrong kind.</exception>
    public static (bool Streams, bool IncludesUsage, bool UsageInAll) Read(FieldValues values)
    {
        var streams = values.Switch(SharedFields.Stream) ?? false;
        if (values[SharedFields.StreamOptions] is not { } options) return (streams, false, false);
        if (options.ValueKind != JsonValueKind.Object)
            throw FieldValues.Wrong(SharedFields.StreamOptions, options, "an object {…}");
        if (!streams)
            throw ApiException.Invalid(SharedFields.StreamOptions.Name,
                "stream_options needs stream (true); set it, or leave stream_options out.");
        var inAll = Switch(options, "continuous_usage_stats");
        return (streams, Switch(options, "include_usage") || inAll, inAll);
    }

    private static bool Switch(JsonElement options, string name)
    {
        if (!options.TryGetProperty(name, out var value)) return false;
        return value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False or JsonValueKind.Null => false,
            _ => throw ApiException.Invalid($"stream_options.{name}",
                $"stream_options.{name} ({value.Shown()}) must be true or false."),
        };
    }
}
