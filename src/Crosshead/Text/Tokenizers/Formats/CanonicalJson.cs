using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;

namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>
/// The identity of a tokenizer: SHA-256 over the parts of tokenizer.json that decide about ids, with keys in
/// ordinal order, no white space and merges as pairs, so that another layout of the same file has the same hash.
/// </summary>
internal static class CanonicalJson
{
    private static readonly string[] Parts = ["added_tokens", "decoder", "model", "normalizer", "post_processor",
        "pre_tokenizer"];

    /// <summary>The hash in lower-case hexadecimal.</summary>
    public static string TokenizerSha256(ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json);
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var part in Parts)
            {
                if (!document.RootElement.TryGetProperty(part, out var value) || value.ValueKind == JsonValueKind.Null)
                    continue;
                writer.WritePropertyName(part);
                Write(value, writer, inMerges: false);
            }
            writer.WriteEndObject();
        }
        return Convert.ToHexStringLower(SHA256.HashData(buffer.WrittenSpan));
    }

    private static void Write(JsonElement element, Utf8JsonWriter writer, bool inMerges)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var property in element.EnumerateObject().OrderBy(p => p.Name, StringComparer.Ordinal))
                {
                    writer.WritePropertyName(property.Name);
                    Write(property.Value, writer, property.Name == "merges");
                }
                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in element.EnumerateArray())
                    Write(item, writer, inMerges);
                writer.WriteEndArray();
                break;
            case JsonValueKind.String when inMerges && element.GetString()!.Split(' ') is { Length: 2 } pair:
                writer.WriteStartArray();
                writer.WriteStringValue(pair[0]);
                writer.WriteStringValue(pair[1]);
                writer.WriteEndArray();
                break;
            default:
                element.WriteTo(writer);
                break;
        }
    }
}
