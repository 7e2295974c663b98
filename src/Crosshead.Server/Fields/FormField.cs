using System.Text.Json;

namespace Crosshead.Server.Fields;

/// <summary>A field with a list, an object, or several kinds of values; the reader of its request reads it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Schema">The members of its JSON schema.</param>
/// <param name="Meaning">What it does.</param>
internal sealed record FormField(string Name, string Schema, string Meaning) : Field(Name, Meaning)
{
    /// <inheritdoc/>
    public override void WriteSchema(Utf8JsonWriter json)
    {
        using var schema = JsonDocument.Parse(Schema);
        foreach (var member in schema.RootElement.EnumerateObject()) member.WriteTo(json);
    }
}
