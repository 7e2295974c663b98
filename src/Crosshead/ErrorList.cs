namespace Crosshead;

/// <summary>Tells several problems of one kind in one line.</summary>
internal static class ErrorList
{
    private const int Shown = 3, Counted = 1000;

    /// <summary>Throws if there are any. The message names the first few and counts the rest, up to a limit.</summary>
    /// <param name="found">The problems; no more are looked for than are counted.</param>
    /// <param name="describe">Names one.</param>
    /// <param name="message">Makes the message of the named ones.</param>
    /// <exception cref="CrossheadException">There is one.</exception>
    public static void Throw<T>(IEnumerable<T> found, Func<T, string> describe, Func<string, string> message)
    {
        if (found.TryGetNonEnumeratedCount(out var count) && count == 0) return; // as at most starts
        var all = found.Take(Counted + 1).ToArray();
        if (all.Length == 0) return;
        var named = string.Join(", ", all.Take(Shown).Select(describe));
        var rest = all.Length > Counted ? $" and more than {Counted - Shown} others" : all.Length > Shown
            ? $" and {all.Length - Shown} more" : "";
        throw new CrossheadException(message(named + rest));
    }
}
