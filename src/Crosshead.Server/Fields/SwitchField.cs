using System.Text.Json;

namespace Crosshead.Server.Fields;

/// <summary>A field with true or false.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Meaning">What it does.</param>
internal sealed record SwitchField(string Name, string Meaning) : Field(Name, Meaning)
{
    /// <inheritdoc/>
    public override void WriteSchema(Utf8JsonWriter json) => json.WriteString("type", "boolean");
}
