using System.Collections;
using System.Globalization;
using System.Text.Json;
using Fluid.Values;

namespace Crosshead.Evaluation.Tasks;

/// <summary>Turns what files hold into Liquid values: texts, numbers, truth values, lists and objects.</summary>
internal static class RowValues
{
    /// <summary>A JSON value.</summary>
    public static FluidValue From(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => new StringValue(element.GetString()!),
        JsonValueKind.Number => element.TryGetDecimal(out var number) ? NumberValue.Create(number) : new StringValue(element.GetRawText()),
        JsonValueKind.True => BooleanValue.True,
        JsonValueKind.False => BooleanValue.False,
        JsonValueKind.Array => new ArrayValue([.. element.EnumerateArray().Select(item => From(item))]),
        JsonValueKind.Object => new DictionaryValue(new RowFields(Members(element))),
        _ => NilValue.Instance,
    };

    /// <summary>The members of a JSON object.</summary>
    public static Dictionary<string, FluidValue> Members(JsonElement element) =>
        element.EnumerateObject().ToDictionary(p => p.Name, p => From(p.Value), StringComparer.Ordinal);

    /// <summary>A value of a Parquet file.</summary>
    public static FluidValue From(object? value) => value switch
    {
        null => NilValue.Instance,
        string text => new StringValue(text),
        ReadOnlyMemory<char> text => new StringValue(text.ToString()),
        bool truth => truth ? BooleanValue.True : BooleanValue.False,
        sbyte or byte or short or ushort or int or uint or long or ulong or decimal => NumberValue.Create(Convert.ToDecimal(value, CultureInfo.InvariantCulture)),
        float or double => FromDouble(Convert.ToDouble(value, CultureInfo.InvariantCulture)),
        IDictionary members => new DictionaryValue(new RowFields(Members(members))),
        IEnumerable items when value is not byte[] => new ArrayValue([.. items.Cast<object?>().Select(item => From(item))]),
        _ => new StringValue(Convert.ToString(value, CultureInfo.InvariantCulture) ?? ""),
    };

    /// <summary>The members of a group of a Parquet file.</summary>
    public static Dictionary<string, FluidValue> Members(IDictionary members)
    {
        var read = new Dictionary<string, FluidValue>(StringComparer.Ordinal);
        foreach (DictionaryEntry member in members) read[(string)member.Key] = From(member.Value);
        return read;
    }

    private static FluidValue FromDouble(double number) =>
        Math.Abs(number) < 1e28 ? NumberValue.Create((decimal)number) : new StringValue(number.ToString(CultureInfo.InvariantCulture));
}
