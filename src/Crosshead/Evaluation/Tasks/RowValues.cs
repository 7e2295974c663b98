using System.Globalization;
using System.Text.Json;
using Fluid.Values;

namespace Crosshead.Evaluation.Tasks;

/// <summary>
/// Converts the contents of files into Liquid values: texts, numbers, truth values, lists and objects.
/// </summary>
internal static class RowValues
{
    /// <summary>A JSON value.</summary>
    public static FluidValue From(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => new StringValue(element.GetString()!),
        JsonValueKind.Number =>
            element.TryGetDecimal(out var number) ? NumberValue.Create(number) : new StringValue(element.GetRawText()),
        JsonValueKind.True => BooleanValue.True,
        JsonValueKind.False => BooleanValue.False,
        JsonValueKind.Array => new ArrayValue([.. element.EnumerateArray().Select(item => From(item))]),
        JsonValueKind.Object => new DictionaryValue(new RowFields(Members(element))),
        _ => NilValue.Instance,
    };

    /// <summary>The members of a JSON object.</summary>
    public static Dictionary<string, FluidValue> Members(JsonElement element) =>
        element.EnumerateObject().ToDictionary(p => p.Name, p => From(p.Value), StringComparer.Ordinal);

    /// <summary>A number; one beyond Liquid's range as text.</summary>
    public static FluidValue From(double number) =>
        Math.Abs(number) < 1e28 ? NumberValue.Create((decimal)number)
        : new StringValue(number.ToString(CultureInfo.InvariantCulture));
}
