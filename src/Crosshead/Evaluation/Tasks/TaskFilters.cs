using System.Text.Json;
using System.Text.RegularExpressions;
using Fluid;
using Fluid.Values;

namespace Crosshead.Evaluation.Tasks;

/// <summary>The Liquid filters that task files have beside the standard ones.</summary>
internal static class TaskFilters
{
    private static readonly TimeSpan RegexTime = TimeSpan.FromSeconds(5);

    /// <summary>Adds them. What is absent stays absent through each.</summary>
    public static void AddTo(FilterCollection filters)
    {
        Add("capitalize", (input, _) => Text(Capitalize(input.ToStringValue())));
        Add("list", (input, a) => new ArrayValue([input, .. Given(a)]));
        Add("letter", (input, _) => Text(Letter(input)));
        Add("lettered", (input, a) => Text(Lettered(Items(input), a)));
        Add("letters_in",
            (input, a) => Text(string.Join(", ", Items(input).Select(i => Letter(Position(i, Items(a.At(0))))))));
        Add("before", (input, a) => Cut(input, a, (text, mark) => (0, text.IndexOf(mark, StringComparison.Ordinal))));
        Add("before_last",
            (input, a) => Cut(input, a, (text, mark) => (0, text.LastIndexOf(mark, StringComparison.Ordinal))));
        Add("after", (input, a) => Cut(input, a,
            (text, mark) => (text.IndexOf(mark, StringComparison.Ordinal) + mark.Length, text.Length)));
        Add("after_last", (input, a) => Cut(input, a,
            (text, mark) => (text.LastIndexOf(mark, StringComparison.Ordinal) + mark.Length, text.Length)));
        Add("regex_remove", (input, a) => Text(Regex.Replace(input.ToStringValue(), a.At(0).ToStringValue(), "",
            RegexOptions.CultureInvariant, RegexTime)));
        Add("parse_json", (input, _) => ParseJson(input.ToStringValue()));
        Add("keys", (input, _) => new ArrayValue([.. Members(input).Keys.Select(Text)]));
        Add("keys_where", (input, a) => new ArrayValue([.. Members(input).Keys.Where(
            k => Members(input).TryGetValue(k, out var v) && v.Equals(a.At(0))).Select(Text)]));

        void Add(string name, Func<FluidValue, FilterArguments, FluidValue> filter) =>
            filters.AddFilter(name, (input, arguments, _) => input.IsNil() || Given(arguments).Any(a => a.IsNil())
                ? NilValue.Instance : filter(input, arguments));
    }

    /// <summary>The letter of a position from 0; a letter stays what it is.</summary>
    public static string Letter(int index) =>
        index is >= 0 and < 26 ? ((char)('A' + index)).ToString()
        : throw new CrossheadException($"position {index} has no letter; A to Z are 0 to 25.");

    private static string Letter(FluidValue value) =>
        value is NumberValue ? Letter((int)value.ToNumberValue()) : value.ToStringValue();

    // As Python does it: the first character upper, all others lower.
    private static string Capitalize(string text) =>
        text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant();

    private static string Lettered(IReadOnlyList<FluidValue> items, FilterArguments a) =>
        string.Join('\n', items.Select(
            (item, i) => a.At(0).ToStringValue() + Letter(i) + a.At(1).ToStringValue() + item.ToStringValue()));

    private static FluidValue Cut(FluidValue input, FilterArguments a, Func<string, string, (int From, int To)> place)
    {
        var (text, mark) = (input.ToStringValue(), a.At(0).ToStringValue());
        if (!text.Contains(mark, StringComparison.Ordinal))
            throw new CrossheadException($"\"{text.Shown()}\" does not hold \"{mark.Shown()}\".");
        var (from, to) = place(text, mark);
        return Text(text[from..to]);
    }

    private static int Position(FluidValue item, IReadOnlyList<FluidValue> items)
    {
        for (var i = 0; i < items.Count; i++)
            if (items[i].Equals(item)) return i;
        throw new CrossheadException($"\"{item.ToStringValue().Shown()}\" is not in the list.");
    }

    private static FluidValue ParseJson(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(SurrogateHalves.RefuseIn(text));
            return RowValues.From(document.RootElement);
        }
        catch (JsonException e)
        {
            throw new CrossheadException($"\"{text.Shown()}\" is not JSON.", e);
        }
    }

    private static IReadOnlyList<FluidValue> Items(FluidValue value) =>
        value is ArrayValue list ? list.Values
        : throw new CrossheadException($"\"{value.ToStringValue().Shown()}\" is no list.");

    private static IFluidIndexable Members(FluidValue value) =>
        value.ToObjectValue() as IFluidIndexable
        ?? throw new CrossheadException($"\"{value.ToStringValue().Shown()}\" is no object.");

    private static IEnumerable<FluidValue> Given(FilterArguments a) => Enumerable.Range(0, a.Count).Select(a.At);

    private static StringValue Text(string text) => new(text);
}
