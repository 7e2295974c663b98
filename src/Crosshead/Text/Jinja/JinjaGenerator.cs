namespace Crosshead.Text.Jinja;

/// <summary>
/// Items that are made on request, and only once: the results of <c>map</c> and <c>select</c>. The value counts as true
/// even without items.
/// </summary>
/// <param name="items">Makes the items.</param>
/// <param name="budget">Limits how many generators wait for each other.</param>
internal sealed class JinjaGenerator(IEnumerable<object?> items, JinjaBudget budget)
{
    private IEnumerator<object?>? _left;

    /// <summary>The remaining items.</summary>
    public IEnumerable<object?> Take()
    {
        _left ??= items.GetEnumerator();
        while (true)
        {
            if (!budget.Ask(_left.MoveNext)) yield break; // one may ask another, which asks another
            yield return _left.Current;
        }
    }
}
