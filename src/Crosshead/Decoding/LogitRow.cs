using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Decoding;

/// <summary>The logits of one position, one for each token of the vocabulary.</summary>
internal static class LogitRow
{
    /// <summary>
    /// The id of the largest logit, and the logit. Of equal logits the lowest id counts. A not-a-number counts as the
    /// largest.
    /// </summary>
    /// <param name="logits">One for each token of the vocabulary.</param>
    public static (int Id, float Logit) MostLikely(ReadOnlySpan<float> logits)
    {
        var best = IndexOfMax(logits);
        return (best, logits[best]);
    }

    // Index of the first not-a-number, or of the first largest value if all are numbers.
    private static int IndexOfMax(ReadOnlySpan<float> values)
    {
        var vectors = MemoryMarshal.Cast<float, Vector512<float>>(values);
        var most = Vector512.Create(float.NegativeInfinity);
        foreach (var v in vectors) most = Vector512.Max(most, v); // passes not-a-number on
        var max = float.NegativeInfinity;
        for (var i = 0; i < Vector512<float>.Count; i++) max = MathF.Max(max, most[i]);
        foreach (var v in values[(vectors.Length * Vector512<float>.Count)..]) max = MathF.Max(max, v);
        if (!float.IsNaN(max)) return values.IndexOf(max);
        var first = 0;
        while (!float.IsNaN(values[first])) first++;
        return first;
    }
}
