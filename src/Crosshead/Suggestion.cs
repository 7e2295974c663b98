namespace Crosshead;

/// <summary>Finds the nearest known name to a misspelt one, for "did you mean" messages.</summary>
public static class Suggestion
{
    /// <summary>
    /// A sentence for an unknown name: the nearest known name where one is near, then all of them.
    /// Example: <c>did you mean "learningRate"? known: batch, learningRate, steps.</c>
    /// </summary>
    public static string For(string unknown, IEnumerable<string> known)
    {
        var names = known.ToArray();
        var nearest = names.Select(n => (Name: n, Distance: Distance(unknown, n))).OrderBy(p => p.Distance).FirstOrDefault();
        var near = nearest.Name is not null && nearest.Distance <= Math.Max(2, unknown.Length / 3);
        return (near ? $"did you mean \"{nearest.Name}\"? " : "") + "known: " + string.Join(", ", names) + ".";
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
