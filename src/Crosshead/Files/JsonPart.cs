using System.Text.Json;

namespace Crosshead.Files;

/// <summary>
/// A value of a JSON document with its place, which errors name beside the value and what is allowed. A member that is
/// null counts as absent. All errors are <see cref="JsonException"/>s.
/// </summary>
/// <param name="element">The value.</param>
/// <param name="path">Its place, such as <c>model.vocab</c>; empty for the whole document.</param>
internal readonly struct JsonPart(JsonElement element, string path = "")
{
    /// <summary>The value itself.</summary>
    public JsonElement Element => element;

    /// <summary>Whether it is a text.</summary>
    public bool IsText => element.ValueKind == JsonValueKind.String;

    /// <summary>Whether it is an object.</summary>
    public bool IsObject => element.ValueKind == JsonValueKind.Object;

    /// <summary>A member; null if it is absent or null.</summary>
    public JsonPart? Child(string name) =>
        !IsObject ? throw Wrong("an object {…}")
        : element.TryGetProperty(name, out var child) && child.ValueKind != JsonValueKind.Null
            ? new JsonPart(child, Join(name)) : null;

    /// <summary>A member that must be there.</summary>
    public JsonPart Required(string name) =>
        Child(name) ?? throw new JsonException($"{(path.Length == 0 ? "it" : path)} lacks \"{name.Shown()}\"");

    /// <summary>The members of an object, those that are null, too.</summary>
    public JsonElement.ObjectEnumerator Members() =>
        IsObject ? element.EnumerateObject() : throw Wrong("an object {…}");

    /// <summary>The values of a list, without their places.</summary>
    public JsonElement.ArrayEnumerator Values() =>
        element.ValueKind == JsonValueKind.Array ? element.EnumerateArray() : throw Wrong("a list [...]");

    /// <summary>The values of a list.</summary>
    public List<JsonPart> Items()
    {
        var items = new List<JsonPart>();
        foreach (var item in Values()) items.Add(Item(item, items.Count));
        return items;
    }

    /// <summary>A value of <see cref="Values"/> with its place.</summary>
    public JsonPart Item(JsonElement item, int index) => new(item, $"{path}[{index}]");

    /// <summary>A text.</summary>
    public string Text() => IsText ? element.GetString()! : throw Wrong("a text");

    /// <summary>The text of a member; null if it is absent or null.</summary>
    public string? Text(string name) => Child(name)?.Text();

    /// <summary>True or false.</summary>
    public bool Flag() => element.ValueKind is JsonValueKind.True or JsonValueKind.False ? element.GetBoolean()
        : throw Wrong("true or false");

    /// <summary>The flag of a member; null if it is absent or null.</summary>
    public bool? Flag(string name) => Child(name)?.Flag();

    /// <summary>A whole number.</summary>
    public int Whole() => element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out var number) ? number
        : throw Wrong($"a whole number up to {int.MaxValue}");

    /// <summary>A number.</summary>
    public double Number() => element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out var number)
        && double.IsFinite(number) ? number : throw Wrong("a number");

    /// <summary>The error of a value that is something else.</summary>
    /// <param name="wanted">What is allowed.</param>
    public JsonException Wrong(string wanted) =>
        new($"{(path.Length == 0 ? "the whole" : path)} ({element.GetRawText().Shown()}) must be {wanted}");

    private string Join(string name) => path.Length == 0 ? name.Shown() : $"{path}.{name.Shown()}";
}
