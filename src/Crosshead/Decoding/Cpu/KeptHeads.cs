namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Chooses c of g heads, which are sums of c components, so that every other head is a sum of the chosen ones with
/// factors of at most 1. A cache that keeps the chosen heads instead of the components takes the same memory, and
/// nothing has to be composed for them. The factors are bounded, so what the cache rounds is not made larger.
/// </summary>
internal static class KeptHeads
{
    // A pivot this small beside the largest factor means that fewer components would do.
    private const double LeastPivot = 1e-5;

    // Each exchange makes the chosen heads' determinant larger by this factor or more, so that exchanges end.
    private const double LeastGain = 1.01;

    /// <summary>Chooses the heads.</summary>
    /// <param name="mix">The factors [c, g]; receives those of the heads with the kept heads.</param>
    /// <param name="components">Components c.</param>
    /// <param name="groups">Heads g.</param>
    /// <returns>The heads that are kept, in the order of the new factors; null if fewer components would do, or if
    /// there is not a head a component.</returns>
    public static int[]? Choose(double[] mix, int components, int groups)
    {
        if (components > groups) return null;
        var least = LeastPivot * mix.Max(Math.Abs);
        var kept = new int[components];
        Array.Fill(kept, -1);
        // Gauss-Jordan elimination with the largest factor that is left as pivot,
        for (var step = 0; step < components; step++)
        {
            var (row, group) = Largest(mix, groups, kept, r => kept[r] < 0);
            if (!(Math.Abs(mix[(row * groups) + group]) > least)) return null;
            Exchange(mix, groups, kept, row, group);
        }
        // and then with any factor above 1: a kept head makes room for one that depends on it more than once.
        while (true)
        {
            var (row, group) = Largest(mix, groups, kept, _ => true);
            if (row < 0 || Math.Abs(mix[(row * groups) + group]) < LeastGain) return kept;
            Exchange(mix, groups, kept, row, group);
        }
    }

    // The place of the largest factor of a head that is not kept; row −1 if all are.
    private static (int Row, int Group) Largest(double[] mix, int groups, int[] kept, Func<int, bool> isOpen)
    {
        var (best, place) = (double.NegativeInfinity, (Row: -1, Group: -1));
        for (var row = 0; row < kept.Length; row++)
        {
            if (!isOpen(row)) continue;
            for (var group = 0; group < groups; group++)
            {
                var size = Math.Abs(mix[(row * groups) + group]);
                if (size > best && !kept.Contains(group)) (best, place) = (size, (row, group));
            }
        }
        return place;
    }

    // Makes a head the one that a row stands for.
    private static void Exchange(double[] mix, int groups, int[] kept, int row, int group)
    {
        var own = mix.AsSpan(row * groups, groups);
        var pivot = own[group];
        for (var g = 0; g < groups; g++) own[g] /= pivot;
        for (var r = 0; r < kept.Length; r++)
        {
            if (r == row) continue;
            var other = mix.AsSpan(r * groups, groups);
            var factor = other[group];
            for (var g = 0; g < groups; g++) other[g] -= factor * own[g];
        }
        kept[row] = group;
    }
}
