using System.Text.Json;

namespace Crosshead.Server.Fields;

/// <summary>A field that is taken and changes nothing.</summary>
/// <param name="Name">Its name.</param>
internal sealed record UnusedField(string Name) : Field(Name, "Taken, and not used.")
{
    /// <inheritdoc/>
    public override void WriteSchema(Utf8JsonWriter json) { }
}
