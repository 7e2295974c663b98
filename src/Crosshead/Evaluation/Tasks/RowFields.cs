using Fluid.Values;

namespace Crosshead.Evaluation.Tasks;

/// <summary>The fields of a row, or of an object in it, as Liquid sees them.</summary>
internal sealed class RowFields(IReadOnlyDictionary<string, FluidValue> values) : IFluidIndexable
{
    public int Count => values.Count;

    public IEnumerable<string> Keys => values.Keys;

    public bool TryGetValue(string name, out FluidValue value)
    {
        var found = values.TryGetValue(name, out var there);
        value = there ?? NilValue.Instance;
        return found;
    }
}
