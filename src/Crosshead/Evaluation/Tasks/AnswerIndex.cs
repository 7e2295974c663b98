using System.Globalization;
using Fluid.Values;

namespace Crosshead.Evaluation.Tasks;

/// <summary>Finds the right choice of a row.</summary>
internal static class AnswerIndex
{
    /// <summary>The right choice's position, from 0.</summary>
    /// <exception cref="CrossheadException">The answer is not one of the choices.</exception>
    public static int Of(FluidValue answer, AnswerReading reading, IReadOnlyList<FluidValue> choices,
        IReadOnlyList<FluidValue> labels, string place)
    {
        var text = answer.ToStringValue().Trim();
        var (index, allowed) = reading switch
        {
            AnswerReading.Index => (Number(text), $"0 to {choices.Count - 1}"),
            AnswerReading.Number => (Number(text) - 1, $"1 to {choices.Count}"),
            AnswerReading.Letter => (text.Length == 1 ? char.ToUpperInvariant(text[0]) - 'A' : -1,
                $"A to {(char)('A' + choices.Count - 1)}"),
            AnswerReading.Label =>
                (Position(text, labels), "one of " + string.Join(", ", labels.Select(l => l.ToStringValue()))),
            _ => (Position(text, choices), "one of the choices"),
        };
        return index >= 0 && index < choices.Count && answer is StringValue or NumberValue
            ? index
            : throw new CrossheadException($"{place}: the answer ({(text.Length == 0 ? Kind(answer) : text.Shown())}) "
                + $"must be {allowed}; repair or remove the row.");
    }

    /// <summary>The kind of a value, for errors.</summary>
    public static string Kind(FluidValue value) => value switch
    {
        StringValue => "an empty text",
        NumberValue => $"a number ({value.ToStringValue()})",
        BooleanValue => "a truth value",
        ArrayValue => "a list",
        DictionaryValue => "an object",
        _ => "null",
    };

    private static int Number(string text) => int.TryParse(text, NumberStyles.AllowLeadingSign,
        CultureInfo.InvariantCulture, out var number) && number < int.MaxValue ? number : -1;

    private static int Position(string text, IReadOnlyList<FluidValue> among)
    {
        for (var i = 0; i < among.Count; i++)
            if (among[i].ToStringValue().Trim() == text) return i;
        return -1;
    }
}
