using System.Text.Json;
using Crosshead.Server.Fields;
using Crosshead.Server.Http;

namespace Crosshead.Server.Requests;

/// <summary>Reads the form that answers must have.</summary>
internal static class StructureReader
{
    /// <summary>The settings with a constraint, if the request asks for a form.</summary>
    /// <exception cref="ApiException">The form is not known, or asked for twice.</exception>
    public static GenerationSettings Read(FieldValues values, GenerationSettings settings, ServedModel model,
        ToolUse? tools = null)
    {
        if (tools is { Must: true })
            throw ApiException.Unsupported(ChatFields.ToolChoice.Name,
                "tool_choice that requires a call is not supported by this server; use \"auto\".");
        var format = values[SharedFields.ResponseFormat];
        if (values[SharedFields.Structured] is { } structured)
            throw ApiException.Unsupported(SharedFields.Structured.Name,
                $"structured_outputs ({structured.Shown()}) is not supported by this server; leave it out.");
        if (format is not { } value) return settings;
        if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("type", out var type)
            && type.ValueKind == JsonValueKind.String && type.GetString() == "text")
            return settings;
        throw ApiException.Unsupported(SharedFields.ResponseFormat.Name,
            $"response_format ({value.Shown()}) is not supported by this server; leave it out.");
    }
}
