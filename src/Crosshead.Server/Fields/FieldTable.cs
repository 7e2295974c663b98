namespace Crosshead.Server.Fields;

/// <summary>All fields that a request may have.</summary>
/// <param name="fields">The fields, in the order in which they are described.</param>
internal sealed class FieldTable(params IEnumerable<Field> fields)
{
    private readonly Dictionary<string, Field> _byName = fields.ToDictionary(f => f.Name);

    /// <summary>The field of a name; null if there is none.</summary>
    public Field? this[string name] => _byName.GetValueOrDefault(name);

    /// <summary>The fields in order.</summary>
    public IReadOnlyList<Field> All { get; } = [.. fields];
}
