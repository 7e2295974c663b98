using System.Text.Json;

namespace Crosshead.Server.Fields;

/// <summary>A field with a text.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Least">Fewest characters.</param>
/// <param name="Most">Most characters.</param>
/// <param name="Meaning">What it does.</param>
internal sealed record TextField(string Name, int Least, int Most, string Meaning) : Field(Name, Meaning)
{
    /// <inheritdoc/>
    public override void WriteSchema(Utf8JsonWriter json)
    {
        json.WriteString("type", "string");
        if (Least > 0) json.WriteNumber("minLength", Least);
        if (Most < int.MaxValue) json.WriteNumber("maxLength", Most);
    }
}
