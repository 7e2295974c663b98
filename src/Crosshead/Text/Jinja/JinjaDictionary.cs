using System.Runtime.CompilerServices;

namespace Crosshead.Text.Jinja;

/// <summary>
/// A dictionary in order of insertion. Its keys are texts, numbers, booleans and tuples, which are equal as in Python:
/// 1, 1.0 and true are the same key.
/// </summary>
internal sealed class JinjaDictionary : OrderedDictionary<object, object?>
{
    /// <summary>An empty dictionary.</summary>
    public JinjaDictionary() : base(Keying.Instance)
    {
    }

    /// <summary>A dictionary with these entries.</summary>
    public JinjaDictionary(IEnumerable<KeyValuePair<object, object?>> entries) : base(entries, Keying.Instance)
    {
    }

    /// <summary>A dictionary with these entries.</summary>
    public JinjaDictionary(IEnumerable<KeyValuePair<string, object?>> entries) : this(
        entries.Select(entry => KeyValuePair.Create((object)entry.Key, entry.Value)))
    {
    }

    /// <summary>A value as a key.</summary>
    /// <exception cref="JinjaException">It cannot be one.</exception>
    public static object Key(object? value) => JinjaValue.RequireHashable(value)
        ?? throw new JinjaException("none as a dict's key is not supported");

    /// <summary>Whether there is a key; none is never one.</summary>
    public bool Has(object? key, out object? value)
    {
        value = null;
        return JinjaValue.RequireHashable(key) is { } known && TryGetValue(known, out value);
    }

    private sealed class Keying : IEqualityComparer<object>
    {
        public static readonly Keying Instance = new();

        public new bool Equals(object? a, object? b) => (a, b) switch
        {
            (string x, string y) => x == y,
            (object?[] x, object?[] y) => x.Length == y.Length && x.Zip(y).All(pair => Equals(pair.First, pair.Second)),
            _ => JinjaNumber.Is(a) && JinjaNumber.Is(b) ? JinjaNumber.Order(a, b) == 0 : ReferenceEquals(a, b),
        };

        public int GetHashCode(object value)
        {
            if (value is string text) return text.GetHashCode();
            if (JinjaNumber.Is(value)) return JinjaNumber.Double(value).GetHashCode();
            if (value is not object?[] tuple) return RuntimeHelpers.GetHashCode(value);
            var hash = new HashCode();
            foreach (var item in tuple) hash.Add(item is null ? 0 : GetHashCode(item));
            return hash.ToHashCode();
        }
    }
}
