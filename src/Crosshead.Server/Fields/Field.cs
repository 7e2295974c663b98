using System.Text.Json;

namespace Crosshead.Server.Fields;

/// <summary>A field of a request: what it is called, what it takes, and what it does.</summary>
/// <param name="Name">Its name in the JSON.</param>
/// <param name="Meaning">What it does, in one or two sentences.</param>
internal abstract record Field(string Name, string Meaning)
{
    /// <summary>Writes the members of its JSON schema.</summary>
    /// <param name="json">Writes into an open object.</param>
    public abstract void WriteSchema(Utf8JsonWriter json);
}
