namespace Crosshead;

/// <summary>Finds the nearest known name to a misspelt one, for "did you mean" messages.</summary>
public static class Suggestion
{
    private const int LongestName = 100; // of a name that anyone may have meant
    private const int MostNames = 60;

    /// <summary>
    /// A sentence for an unknown name: the nearest known name if one is near, then all known names, or the first 60.
    /// Example: <c>did you mean "learningRate"? known: batch, learningRate, steps.</c>
    /// </summary>
    public static string For(string unknown, IEnumerable<string> known)
    {
        var names = known.Select(n => n.Shown()).ToArray();
        var nearest = unknown.Length > LongestName ? default
            : names.Select(n => (Name: n, Distance: Distance(unknown, n))).OrderBy(p => p.Distance).FirstOrDefault();
        var near = nearest.Name is not null && nearest.Distance <= Math.Max(2, unknown.Length / 3);
        return (near ? $"did you mean \"{nearest.Name}\"? " : "") + "known: " + string.Join(", ", names.Take(MostNames))
            + (names.Length > MostNames ? $" and {names.Length - MostNames} more." : ".");
    }

    // Levenshtein distance, case ignored, one row of the table at a time.
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var change = diagonal + (char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(change, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.Length];
    }
}
