using System.Text.Json;

namespace Crosshead.Server.Fields;

/// <summary>A field with a whole number.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Least">The smallest value.</param>
/// <param name="Most">The largest value.</param>
/// <param name="Meaning">What it does.</param>
internal sealed record IntegerField(string Name, long Least, long Most, string Meaning) : Field(Name, Meaning)
{
    /// <inheritdoc/>
    public override void WriteSchema(Utf8JsonWriter json)
    {
        json.WriteString("type", "integer");
        if (Least > long.MinValue) json.WriteNumber("minimum", Least);
        if (Most < int.MaxValue) json.WriteNumber("maximum", Most);
    }

    /// <summary>The allowed values in words.</summary>
    public string Range => Least == long.MinValue ? "a whole number of 64 bits"
        : Most >= int.MaxValue ? $"a whole number, {Least} or more" : $"a whole number from {Least} to {Most}";
}
