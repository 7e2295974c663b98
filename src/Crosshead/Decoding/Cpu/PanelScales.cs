using System.Runtime.Intrinsics;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// The scales of elements of a cache, of which a number is a multiple: one for some numbers of a row at a position.
/// Elements without scales have none, and all factors are 1.
/// </summary>
/// <param name="scales">[row, group]: the scales of each position.</param>
internal sealed unsafe class PanelScales<T>(TokenNumbers scales) : IDisposable where T : unmanaged, IPanelElement<T>
{
    /// <summary>
    /// Writes the scale of some numbers of a position, and returns what they are multiplied by to become elements.
    /// </summary>
    /// <param name="slot">The sequence's slot.</param>
    /// <param name="row">Row and group.</param>
    /// <param name="position">The position.</param>
    /// <param name="x">The numbers.</param>
    /// <param name="count">Number of numbers.</param>
    public float Write(int slot, int row, int position, float* x, int count)
    {
        if (!T.HasScales) return 1;
        var largest = 0f;
        for (var i = 0; i < count; i++) largest = MathF.Max(largest, MathF.Abs(x[i])); // not-a-number stays
        var scale = PanelBFloat16.ToSingle(PanelBFloat16.Above(largest / T.Largest)); // so that no element is too large
        scales.Write(slot, row, position, scale);
        return float.IsFinite(1 / scale) ? 1 / scale : 0;
    }

    /// <summary>Multiplies the weights of positions by the scales of their values, and encodes them.</summary>
    /// <param name="slot">The sequence's slot.</param>
    /// <param name="row">Row and group.</param>
    /// <param name="start">First position, a multiple of 16.</param>
    /// <param name="length">Number of positions, a multiple of 16.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="scratch">Receives the encoded weights, and what their products are multiplied by.</param>
    public PanelVectors Weigh(int slot, int row, int start, int length, PanelVectors weights, PanelScratch scratch)
    {
        var encoded = scratch.Encoded(weights.Count);
        for (var v = 0; v < weights.Count; v++)
        {
            scales.Multiply(slot, row, start, length, weights[v], scratch.Scaled);
            scratch.Factors[v] = T.Encode(scratch.Scaled, length, encoded[v]);
        }
        return encoded;
    }

    /// <summary>scores (+)= sums · the scales of the keys · the factors of the queries.</summary>
    /// <param name="slot">The sequence's slot.</param>
    /// <param name="row">Row and group.</param>
    /// <param name="start">First position, a multiple of 16.</param>
    /// <param name="length">Number of positions.</param>
    /// <param name="sums">Products of elements with encoded queries.</param>
    /// <param name="factors">A factor of each query.</param>
    /// <param name="scores">What is added to.</param>
    /// <param name="isFirst">Whether nothing is there yet.</param>
    public void AddScores(int slot, int row, int start, int length, PanelVectors sums, float* factors,
        PanelVectors scores, bool isFirst)
    {
        for (var i = 0; i < length; i += Panel.Lanes)
        {
            var scale = scales.Load(slot, row, start + i);
            for (var v = 0; v < sums.Count; v++)
            {
                var score = T.Decode(Vector512.Load(sums[v] + i)) * (scale * factors[v]);
                (isFirst ? score : Vector512.Load(scores[v] + i) + score).Store(scores[v] + i);
            }
        }
    }

    /// <summary>target (+)= sums · factor.</summary>
    /// <param name="sums">Products of elements with encoded weights.</param>
    /// <param name="factor">The factor of the weights.</param>
    /// <param name="target">What is added to.</param>
    /// <param name="panels">Number of panels, of 16 sums each.</param>
    /// <param name="isFirst">Whether nothing is there yet.</param>
    public static void AddDecoded(float* sums, float factor, float* target, int panels, bool isFirst)
    {
        for (var i = 0; i < panels * Panel.Lanes; i += Panel.Lanes)
        {
            var sum = T.Decode(Vector512.Load(sums + i)) * factor;
            (isFirst ? sum : Vector512.Load(target + i) + sum).Store(target + i);
        }
    }

    /// <summary>Sets a page to zero.</summary>
    public void Clear(int page) => scales.Clear(page);

    /// <inheritdoc/>
    public void Dispose() => scales.Dispose();
}
