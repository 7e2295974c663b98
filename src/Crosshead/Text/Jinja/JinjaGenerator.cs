using System.Runtime.CompilerServices;

namespace Crosshead.Text.Jinja;

/// <summary>
/// Items that are made on request, and only once: the results of <c>map</c> and <c>select</c>. The value counts as true
/// even without items.
/// </summary>
internal sealed class JinjaGenerator(IEnumerable<object?> items)
{
    private IEnumerator<object?>? _left;

    /// <summary>The remaining items.</summary>
    public IEnumerable<object?> Take()
    {
        _left ??= items.GetEnumerator();
        while (true)
        {
            RuntimeHelpers.EnsureSufficientExecutionStack(); // one may ask another, which asks another
            if (!_left.MoveNext()) yield break;
            yield return _left.Current;
        }
    }
}
