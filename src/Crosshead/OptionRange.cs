using System.Collections.Concurrent;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json;

namespace Crosshead;

/// <summary>
/// The allowed values of an option, from its <see cref="RangeAttribute"/>, the only place of a range.
/// </summary>
/// <param name="Least">The lower end.</param>
/// <param name="AboveLeast">Whether the lower end itself is too small.</param>
/// <param name="Most">The upper end; <see cref="double.MaxValue"/> for every finite number.</param>
/// <param name="BelowMost">Whether the upper end itself is too large.</param>
internal sealed record OptionRange(double Least, bool AboveLeast, double Most, bool BelowMost)
{
    private static readonly ConcurrentDictionary<Type, Ranged[]> s_ranges = new();

    /// <summary>The range that a member declares, or null.</summary>
    public static OptionRange? Of(MemberInfo member) => member.GetCustomAttribute<RangeAttribute>() is { } range
        ? new(Number(range.Minimum), range.MinimumIsExclusive, Number(range.Maximum), range.MaximumIsExclusive)
        : null;

    /// <summary>
    /// Checks every value of some options against the range that it declares; null is never out of range.
    /// </summary>
    /// <param name="options">The options, not those nested in them.</param>
    /// <param name="path">Prefix of their names in messages, such as <c>ropeScaling.</c></param>
    /// <exception cref="CrossheadException">A value is out of its range.</exception>
    public static void Check(object options, string path = "")
    {
        foreach (var (property, range) in s_ranges.GetOrAdd(options.GetType(), Declared))
        {
            if (property.GetValue(options) is { } value && range.Refuse(Number(value)) is { } refusal)
                throw new CrossheadException(
                    $"{path}{JsonNamingPolicy.CamelCase.ConvertName(property.Name)} ({value}) {refusal}.");
        }
    }

    /// <summary>Checks that a choice has a name: JSON may give a number in place of one.</summary>
    /// <param name="value">The value.</param>
    /// <param name="name">Its name in messages.</param>
    /// <exception cref="CrossheadException">It has none.</exception>
    public static void RequireNamed<T>(T value, string name) where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
            throw new CrossheadException(
                $"{name} ({value}) is unknown; {Suggestion.For($"{value}", Enum.GetNames<T>())}");
    }

    /// <summary>
    /// The condition for a value outside the range, with the violated end first, such as
    /// <c>must be at most 10 and more than 0</c>; null for a value within the range.
    /// </summary>
    public string? Refuse(double value)
    {
        var low = AboveLeast ? value > Least : value >= Least;
        var high = BelowMost ? value < Most : value <= Most;
        if (low && high) return null;
        return "must be "
            + (low ? $"{Upper} and {Lower}" : double.IsNaN(value) || !Open ? $"{Lower} and {Upper}" : Lower);
    }

    /// <summary>
    /// The range in words, such as <c>more than 0 and at most 10</c>, without an upper end that is not reached in
    /// practice.
    /// </summary>
    public override string ToString() => Open ? Lower : $"{Lower} and {Upper}";

    private bool Open => Most is int.MaxValue or double.MaxValue;

    private string Lower => $"{(AboveLeast ? "more than" : "at least")} {Least}";

    private string Upper => Most == double.MaxValue ? "finite" : $"{(BelowMost ? "less than" : "at most")} {Most}";

    private static Ranged[] Declared(Type type) =>
        [.. type.GetProperties().Select(p => Of(p) is { } range ? new Ranged(p, range) : null).OfType<Ranged>()];

    private static double Number(object value) => Convert.ToDouble(value, CultureInfo.InvariantCulture);

    private sealed record Ranged(PropertyInfo Property, OptionRange Range);
}
