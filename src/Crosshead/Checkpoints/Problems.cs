namespace Crosshead.Checkpoints;

/// <summary>Tells several problems of one kind in one line.</summary>
internal static class Problems
{
    private const int Shown = 3;

    /// <summary>Throws where there are any: the first few are named, the rest counted.</summary>
    /// <param name="found">The problems.</param>
    /// <param name="describe">Names one.</param>
    /// <param name="message">Makes the message of the named ones.</param>
    /// <exception cref="CrossheadException">There is one.</exception>
    public static void Throw<T>(IEnumerable<T> found, Func<T, string> describe, Func<string, string> message)
    {
        var all = found.ToArray();
        if (all.Length == 0) return;
        var named = string.Join(", ", all.Take(Shown).Select(describe));
        throw new CrossheadException(message(all.Length > Shown ? $"{named} and {all.Length - Shown} more" : named));
    }
}
