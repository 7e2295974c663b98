using System.Globalization;
using System.Text.Json;
using Crosshead.Server.Fields;
using Crosshead.Server.Http;

namespace Crosshead.Server.Requests;

/// <summary>Reads what is added to the logits of some tokens.</summary>
internal static class BiasReader
{
    private const double Largest = 100;

    /// <summary>From ids to what is added; null for nothing.</summary>
    /// <exception cref="ApiException">A key is no token of the model, or a value is out of range.</exception>
    public static IReadOnlyDictionary<int, float>? Read(FieldValues values, int vocabulary)
    {
        var field = SharedFields.LogitBias;
        if (values[field] is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Object)
            throw FieldValues.Wrong(field, value, "an object from ids to numbers, such as {\"42\": -100}");
        var biases = new Dictionary<int, float>();
        foreach (var member in value.EnumerateObject())
        {
            var name = $"{field.Name}.{Excerpt.Of(member.Name)}";
            if (!int.TryParse(member.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                || id >= vocabulary)
                throw ApiException.Invalid(field.Name,
                    $"{name}: the key must be the id of a token, 0 to {vocabulary - 1}; use /tokenize for ids.");
            if (member.Value.ValueKind != JsonValueKind.Number || !member.Value.TryGetDouble(out var bias)
                || !(Math.Abs(bias) <= Largest))
                throw ApiException.Invalid(field.Name,
                    $"{name} ({member.Value.Shown()}) must be a number from -{Largest} to {Largest}.");
            biases[id] = (float)bias;
        }
        return biases.Count > 0 ? biases : null;
    }
}
