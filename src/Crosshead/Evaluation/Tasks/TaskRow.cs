using Fluid.Values;

namespace Crosshead.Evaluation.Tasks;

/// <summary>A row of a benchmark's file, whatever the file's format.</summary>
internal sealed class TaskRow
{
    private readonly string _unit;
    private readonly long _number;

    /// <summary>
    /// Row number <paramref name="number"/>, from 1 in what the file counts by (<paramref name="unit"/>: line, row,
    /// item).
    /// </summary>
    public TaskRow(string path, string unit, long number, Dictionary<string, FluidValue> values)
    {
        (Path, _unit, _number, Values) = (path, unit, number, values);
        Value = new DictionaryValue(new RowFields(values));
    }

    public string Path { get; }

    /// <summary>Where the row stands, as errors say it.</summary>
    public string Place => $"{Path}, {_unit} {_number}";

    public Dictionary<string, FluidValue> Values { get; }

    /// <summary>The row as a Liquid value.</summary>
    public FluidValue Value { get; }
}
