using System.Collections;

namespace Crosshead.Text.Jinja;

/// <summary>
/// The results of <c>items()</c>, <c>keys()</c> and <c>values()</c> of a dictionary: its contents, which cannot be
/// indexed.
/// </summary>
/// <param name="Name">Python's name for it, such as dict_items.</param>
/// <param name="Items">The contents.</param>
internal sealed record JinjaDictionaryView(string Name, IReadOnlyCollection<object?> Items)
    : IReadOnlyCollection<object?>
{
    /// <inheritdoc/>
    public int Count => Items.Count;

    /// <inheritdoc/>
    public IEnumerator<object?> GetEnumerator() => Items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
