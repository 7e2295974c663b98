using System.Collections;
using System.Collections.Frozen;

namespace Crosshead.Text.Jinja;

/// <summary>
/// The functions that a template can call on a value, by name and with signatures: filters, tests, or the methods of
/// one type.
/// </summary>
/// <param name="kind">What errors call an entry, such as "filter".</param>
internal sealed class JinjaTable<T>(string kind) : IEnumerable
{
    private readonly Dictionary<string, Func<T, JinjaCall, object?>> _entries = [];
    private readonly Dictionary<string, string> _synonyms = [];
    private FrozenDictionary<string, Func<T, JinjaCall, object?>>? _frozen;

    /// <summary>Adds an entry.</summary>
    public void Add(string name, string signature, Func<T, JinjaArguments, object?> body)
    {
        var bound = new JinjaSignature(signature);
        var title = $"{kind} '{name}'";
        _entries.Add(name, (self, call) =>
        {
            try
            {
                return call.Budget.Made(body(self, bound.Bind(title, call)));
            }
            catch (OverflowException)
            {
                throw new JinjaException($"the result of {title} is too large");
            }
        });
    }

    /// <summary>Adds another name of an entry.</summary>
    public void Add(string name, string entry) => _synonyms.Add(name, entry);

    /// <summary>The entry of a name, or null.</summary>
    public Func<T, JinjaCall, object?>? Find(string name) =>
        (_frozen ??= _entries.ToFrozenDictionary()).GetValueOrDefault(_synonyms.GetValueOrDefault(name, name));

    /// <summary>The entry with this name, or an error that lists all entries.</summary>
    public Func<T, JinjaCall, object?> Get(string name) =>
        Find(name) ?? throw new JinjaException(
        $"no {kind} named '{name.Shown()}'; {Suggestion.For(name, _entries.Keys.Order(StringComparer.Ordinal))}");

    /// <inheritdoc/>
    public IEnumerator GetEnumerator() => _entries.Keys.GetEnumerator();
}
