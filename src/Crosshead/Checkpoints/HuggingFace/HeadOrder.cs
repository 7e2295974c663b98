namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>
/// The order of a head's elements in files. Crosshead rotates elements i and i + d/2 of a head, and those that are not
/// rotated have the angle 0. Files may rotate neighbours (2i, 2i + 1), or only the first elements of a head.
/// </summary>
internal static class HeadOrder
{
    /// <summary>For each element of a head, its place in the file; null where the order is the same.</summary>
    /// <param name="headDim">Head width d.</param>
    /// <param name="turned">Width of the part that is rotated; in the file it comes first.</param>
    /// <param name="neighbours">Whether neighbours are rotated in the file.</param>
    public static long[]? Of(int headDim, int turned, bool neighbours)
    {
        if (turned == headDim && !neighbours) return null;
        var (half, pairs) = (headDim / 2, turned / 2);
        var order = new long[headDim];
        for (var p = 0; p < half; p++)
        {
            // The pairs of the part that is rotated, then those of the rest, which have the angle 0.
            (order[p], order[half + p]) = p >= pairs ? (p + pairs, half + p)
                : neighbours ? (2 * p, (2 * p) + 1) : (p, pairs + p);
        }
        return order;
    }
}
