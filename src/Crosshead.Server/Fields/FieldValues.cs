using System.Text.Json;
using Crosshead.Server.Http;

namespace Crosshead.Server.Fields;

/// <summary>
/// The values of a request's fields. Each is checked against what its field takes when it is read; null stands for an
/// absent one.
/// </summary>
internal sealed class FieldValues
{
    private const string Default = "leave it out for the default";

    private readonly Dictionary<string, JsonElement> _values = [];
    private readonly FieldTable _table;

    /// <summary>Takes the members of an object apart.</summary>
    /// <exception cref="ApiException">It has a field that this server cannot do.</exception>
    public FieldValues(JsonElement body, FieldTable table)
    {
        _table = table;
        var ignored = new List<string>();
        foreach (var member in body.EnumerateObject())
        {
            if (table[member.Name] is not { } field) ignored.Add(member.Name);
            else if (member.Value.ValueKind == JsonValueKind.Null) continue;
            else if (field is RefusedField refused) Refuse(refused, member.Value);
            else if (field is not UnusedField) _values[field.Name] = member.Value;
        }
        Ignored = ignored;
    }

    /// <summary>The members that are no fields.</summary>
    public IReadOnlyList<string> Ignored { get; }

    /// <summary>A whole number.</summary>
    public long? Integer(IntegerField field)
    {
        if (this[field] is not { } value) return null;
        if (TryInteger(value, out var whole) && whole >= field.Least && whole <= field.Most) return whole;
        var tooLarge = field.Most == int.MaxValue && value.ValueKind == JsonValueKind.Number
            && value.TryGetDouble(out var number) && number > field.Most;
        throw Wrong(field, value, tooLarge ? $"at most {field.Most}" : field.Range);
    }

    /// <summary>A whole number of 32 bits.</summary>
    public int? Small(IntegerField field) => (int?)Integer(field);

    /// <summary>A number.</summary>
    public double? Number(NumberField field)
    {
        if (this[field] is not { } value) return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number)
            && (field.AboveLeast ? number > field.Least : number >= field.Least) && number <= field.Most)
            return number;
        throw Wrong(field, value, field.Range);
    }

    /// <summary>True or false.</summary>
    public bool? Switch(SwitchField field) => this[field] switch
    {
        null => null,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } other => throw Wrong(field, other, "true or false"),
    };

    /// <summary>A text.</summary>
    public string? Text(TextField field)
    {
        if (this[field] is not { } value) return null;
        if (value.ValueKind != JsonValueKind.String) throw Wrong(field, value, "a text");
        var text = value.GetString()!;
        if (text.Length >= field.Least && text.Length <= field.Most) return text;
        throw Wrong(field, value, $"a text of {field.Least} to {field.Most} characters");
    }

    /// <summary>A value that its reader takes apart; absent and null are the same.</summary>
    public JsonElement? this[Field field] =>
        _table[field.Name] != field ? throw new InvalidOperationException($"{field.Name} is not in the table")
        : _values.TryGetValue(field.Name, out var value) ? value : null;

    /// <summary>Whether the value is a whole number, also written as 16.0; and which.</summary>
    public static bool TryInteger(JsonElement value, out long whole)
    {
        whole = 0;
        if (value.ValueKind != JsonValueKind.Number) return false;
        if (value.TryGetInt64(out whole)) return true;
        if (!value.TryGetDouble(out var number) || number != Math.Floor(number) || Math.Abs(number) > 1L << 53)
            return false;
        whole = (long)number;
        return true;
    }

    /// <summary>The error for a value of a field.</summary>
    /// <param name="field">The field.</param>
    /// <param name="value">The value.</param>
    /// <param name="allowed">What it must be.</param>
    public static ApiException Wrong(Field field, JsonElement value, string allowed) =>
        ApiException.Invalid(field.Name, $"{field.Name} ({value.Shown()}) must be {allowed}; {Default}.");

    private static void Refuse(RefusedField field, JsonElement value)
    {
        if (field.Harmless.Contains(value.GetRawText())) return;
        throw ApiException.Unsupported(field.Name,
            $"{field.Name} ({value.Shown()}) is not supported by this server; {field.Remedy}.");
    }
}
