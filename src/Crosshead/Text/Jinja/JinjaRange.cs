using System.Collections;

namespace Crosshead.Text.Jinja;

/// <summary>The whole numbers that <c>range</c> gives.</summary>
internal sealed record JinjaRange(long Start, long Stop, long Step) : IReadOnlyList<object?>
{
    private const long Longest = 100_000; // of Jinja's sandbox

    /// <inheritdoc/>
    public int Count { get; } = (int)Length(Start, Stop, Step);

    /// <inheritdoc/>
    public object? this[int index] => Start + index * Step;

    /// <inheritdoc/>
    public IEnumerator<object?> GetEnumerator()
    {
        for (var i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public override string ToString() => Step == 1 ? $"range({Start}, {Stop})" : $"range({Start}, {Stop}, {Step})";

    private static decimal Length(long start, long stop, long step)
    {
        if (step == 0) throw new JinjaException("range: the step must not be 0");
        var count = Math.Max(0, decimal.Floor(step > 0 ? ((decimal)stop - start + step - 1) / step
            : ((decimal)start - stop - step - 1) / -(decimal)step));
        return count <= Longest ? count : throw new JinjaException($"range has more than {Longest:N0} items");
    }
}
