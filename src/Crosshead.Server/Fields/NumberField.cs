using System.Text.Json;

namespace Crosshead.Server.Fields;

/// <summary>A field with a number.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Least">The lower end of its range.</param>
/// <param name="Most">The largest value.</param>
/// <param name="AboveLeast">Whether the lower end itself is too small.</param>
/// <param name="Meaning">What it does.</param>
internal sealed record NumberField(string Name, double Least, double Most, bool AboveLeast, string Meaning)
    : Field(Name, Meaning)
{
    /// <inheritdoc/>
    public override void WriteSchema(Utf8JsonWriter json)
    {
        json.WriteString("type", "number");
        json.WriteNumber(AboveLeast ? "exclusiveMinimum" : "minimum", Least);
        json.WriteNumber("maximum", Most);
    }

    /// <summary>The allowed values in words.</summary>
    public string Range => $"a number {(AboveLeast ? $"above {Least}, at most" : $"from {Least} to")} {Most}";
}
