using System.Runtime.CompilerServices;

namespace Crosshead.Text.Jinja;

/// <summary>Items that are made as they are asked for, and once only: what <c>map</c> and <c>select</c> give. It counts as true even without items.</summary>
internal sealed class JinjaGenerator(IEnumerable<object?> items)
{
    private IEnumerator<object?>? _left;

    /// <summary>The items that nobody has taken yet.</summary>
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
