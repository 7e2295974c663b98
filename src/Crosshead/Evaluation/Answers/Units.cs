using System.Collections.Frozen;

namespace Crosshead.Evaluation.Answers;

/// <summary>
/// Units after a number. Like the graders of MATH, a unit that only one of two answers names is ignored. Two known
/// units must be equal.
/// </summary>
internal static class Units
{
    private static readonly FrozenDictionary<string, string> s_known = new (string Unit, string[] Spellings)[]
    {
        ("mm", ["mm", "millimeter", "millimetre"]), ("cm", ["cm", "centimeter", "centimetre"]),
        ("m", ["m", "meter", "metre"]), ("km", ["km", "kilometer", "kilometre"]),
        ("in", ["in", "inch", "inches"]), ("ft", ["ft", "foot", "feet"]), ("yd", ["yd", "yard"]),
        ("mi", ["mi", "mile"]),
        ("s", ["s", "sec", "second"]), ("min", ["min", "minute"]), ("h", ["h", "hr", "hour"]), ("day", ["day"]),
        ("week", ["week"]), ("month", ["month"]), ("year", ["yr", "year"]),
        ("mg", ["mg", "milligram"]), ("g", ["g", "gram"]), ("kg", ["kg", "kilogram"]), ("lb", ["lb", "pound"]),
        ("oz", ["oz", "ounce"]),
        ("mL", ["ml", "milliliter", "millilitre"]), ("L", ["l", "liter", "litre"]), ("gal", ["gal", "gallon"]),
        ("degree", ["degree", "deg"]), ("radian", ["radian", "rad"]), ("dollar", ["dollar", "usd"]), ("cent", ["cent"]),
        ("percent", ["percent"]), ("unit", ["unit"]),
        ("km/h", ["km/h", "kmh", "kph"]), ("mph", ["mph"]), ("m/s", ["m/s"]),
    }.SelectMany(unit => unit.Spellings.Select(spelling => KeyValuePair.Create(spelling, unit.Unit)))
        .ToFrozenDictionary();

    /// <summary>Whether the word is a unit's name.</summary>
    public static bool IsKnown(string word) => Canonical(word) is not null;

    /// <summary>
    /// Whether two units are known and differ, their powers included: centimetres and square centimetres do.
    /// </summary>
    public static bool Differ(string first, string second) =>
        Canonical(first) is { } a && Canonical(second) is { } b && a != b;

    // "square inches", "sq. in", "inches^2": the unit's one name and its power; null for words unknown here.
    private static string? Canonical(string text)
    {
        var words = text.ToLowerInvariant().Replace("^", " ^", StringComparison.Ordinal)
            .Split([' ', '.'], StringSplitOptions.RemoveEmptyEntries);
        string? unit = null;
        var power = 1;
        foreach (var word in words)
        {
            if (word is "square" or "sq" or "squared" or "^2") power = 2;
            else if (word is "cubic" or "cu" or "cubed" or "^3") power = 3;
            else if (unit is null && (s_known.TryGetValue(word, out unit)
                || (word.EndsWith('s') && s_known.TryGetValue(word[..^1], out unit)))) { }
            else return null;
        }
        return unit is null ? null : $"{unit}^{power}";
    }
}
