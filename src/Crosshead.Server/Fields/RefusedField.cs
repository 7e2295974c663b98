using System.Text.Json;

namespace Crosshead.Server.Fields;

/// <summary>
/// A field that other servers know and this one cannot do: it is refused, because an answer without it would be wrong.
/// </summary>
/// <param name="Name">Its name.</param>
/// <param name="Harmless">Values, as JSON, that ask for nothing and are taken.</param>
/// <param name="Remedy">What to do instead.</param>
internal sealed record RefusedField(string Name, string[] Harmless, string Remedy)
    : Field(Name, $"Not supported: {Remedy}.")
{
    /// <inheritdoc/>
    public override void WriteSchema(Utf8JsonWriter json)
    {
        json.WriteStartArray("enum");
        json.WriteNullValue();
        foreach (var value in Harmless) json.WriteRawValue(value);
        json.WriteEndArray();
    }
}
