using System.Buffers.Binary;
using System.Runtime.Intrinsics;

namespace Crosshead.Weights;

/// <summary>
/// Writes what <see cref="LargeBlocks"/> reads. The scale of each sub-block is searched (<see cref="ScaleSearch"/>).
/// The block's scale makes the largest of them fit its few bits. The others become the whole number, of the nearest
/// and its neighbours, that has the smallest error.
/// </summary>
internal static class LargeBlockWriter
{
    private const int Elements = 256, Run = 32, Runs = Elements / Run, MostScale = 63;

    /// <inheritdoc cref="LargeBlocks.Q4"/>
    public static void Q4(ReadOnlySpan<float> values, Span<byte> blocks)
    {
        for (; values.Length > 0; values = values[Elements..], blocks = blocks[144..])
            Ranged(values, blocks, fifth: default, blocks.Slice(16, 128), most: 15);
    }

    /// <inheritdoc cref="LargeBlocks.Q5"/>
    public static void Q5(ReadOnlySpan<float> values, Span<byte> blocks)
    {
        for (; values.Length > 0; values = values[Elements..], blocks = blocks[176..])
            Ranged(values, blocks, blocks.Slice(16, Run), blocks.Slice(48, 128), most: 31);
    }

    /// <inheritdoc cref="LargeBlocks.Q6"/>
    public static void Q6(ReadOnlySpan<float> values, Span<byte> blocks)
    {
        const int Sub = 16, Zero = 32;
        Span<float> scales = stackalloc float[Elements / Sub];
        for (; values.Length > 0; values = values[Elements..], blocks = blocks[210..])
        {
            var extreme = 0f;
            for (var s = 0; s < scales.Length; s++)
            {
                var x = Vector512.Create(values[(s * Sub)..]);
                scales[s] = ScaleSearch.Symmetric(x, ScaleSearch.Weights(x, default, Sub).First, Zero);
                if (MathF.Abs(scales[s]) > MathF.Abs(extreme)) extreme = scales[s];
            }
            var d = Stored(blocks[208..], extreme / -128);
            blocks[..192].Clear();
            for (var s = 0; s < scales.Length; s++)
            {
                var x = Vector512.Create(values[(s * Sub)..]);
                var weight = ScaleSearch.Weights(x, default, Sub).First;
                var near = Whole(scales[s], d, -128, 127);
                var best = (Scale: 0, Error: float.PositiveInfinity, Levels: Vector512<float>.Zero);
                for (var scale = Math.Max(near - 1, -128); scale <= Math.Min(near + 1, 127); scale++)
                {
                    var q = scale * d == 0 ? Vector512<float>.Zero : Vector512.Clamp(
                        Vector512.Round(x / Vector512.Create(scale * d)), Vector512.Create((float)-Zero),
                        Vector512.Create(Zero - 1f));
                    var distance = ScaleSearch.Distance(x, q, scale * d, 0);
                    var error = ScaleSearch.Total(weight * distance * distance);
                    if (error < best.Error) best = (scale, error, q);
                }
                blocks[192 + s] = (byte)(sbyte)best.Scale;
                for (var i = 0; i < Sub; i++) PutSix(blocks, s * Sub + i, (int)best.Levels[i] + Zero);
            }
        }
    }

    private static void Ranged(ReadOnlySpan<float> values, Span<byte> block, Span<byte> fifth, Span<byte> q, int most)
    {
        Span<float> scales = stackalloc float[Runs], minima = stackalloc float[Runs];
        float largestScale = 0, largestMinimum = 0;
        for (var s = 0; s < Runs; s++)
        {
            var (a, b) = (Vector512.Create(values[(s * Run)..]), Vector512.Create(values[(s * Run + 16)..]));
            var (wa, wb) = ScaleSearch.Weights(a, b, Run);
            (scales[s], minima[s]) = ScaleSearch.Ranged(a, b, wa, wb, most);
            largestScale = MathF.Max(largestScale, scales[s]);
            largestMinimum = MathF.Max(largestMinimum, minima[s]);
        }
        var (d, dmin) = (Stored(block, largestScale / MostScale), Stored(block[2..], largestMinimum / MostScale));
        block.Slice(4, 12).Clear();
        fifth.Clear();
        q.Clear();
        for (var s = 0; s < Runs; s++)
        {
            var (a, b) = (Vector512.Create(values[(s * Run)..]), Vector512.Create(values[(s * Run + 16)..]));
            var (scale, minimum, qa, qb) = Best(a, b, scales[s], minima[s], d, dmin, most);
            PutScaleAndMinimum(block.Slice(4, 12), s, scale, minimum);
            for (var i = 0; i < Run; i++)
            {
                var level = (int)(i < 16 ? qa[i] : qb[i - 16]);
                q[s / 2 * Run + i] |= (byte)((level & 15) << (s % 2 * 4));
                if (fifth.Length > 0) fifth[i] |= (byte)(level >> 4 << s);
            }
        }
    }

    // The whole scale and minimum with the smallest error, and the levels for them.
    private static (int Scale, int Minimum, Vector512<float> A, Vector512<float> B) Best(Vector512<float> a,
        Vector512<float> b, float wantedScale, float wantedMinimum, float d, float dmin, int most)
    {
        var (wa, wb) = ScaleSearch.Weights(a, b, Run);
        var (nearScale, nearMinimum) = (Whole(wantedScale, d, 0, MostScale),
            Whole(wantedMinimum, dmin, 0, MostScale));
        var best = (0, 0, Vector512<float>.Zero, Vector512<float>.Zero);
        var least = float.PositiveInfinity;
        for (var scale = Math.Max(nearScale - 1, 0); scale <= Math.Min(nearScale + 1, MostScale); scale++)
            for (var minimum = Math.Max(nearMinimum - 1, 0); minimum <= Math.Min(nearMinimum + 1, MostScale); minimum++)
            {
                var (factor, offset) = (d * scale, -dmin * minimum);
                var (qa, qb) = (ScaleSearch.Levels(a, factor, offset, most),
                    ScaleSearch.Levels(b, factor, offset, most));
                var (da, db) = (ScaleSearch.Distance(a, qa, factor, offset),
                    ScaleSearch.Distance(b, qb, factor, offset));
                var error = ScaleSearch.Total(wa * da * da + wb * db * db);
                if (!(error < least)) continue;
                (least, best) = (error, (scale, minimum, qa, qb));
            }
        return best;
    }

    // A scale of very small numbers may be stored much smaller than it is: it is then the largest possible one.
    private static int Whole(float scale, float d, int least, int most) =>
        d == 0 ? 0 : (int)Math.Clamp(MathF.Round(scale / d), least, most);

    private static void PutScaleAndMinimum(Span<byte> s, int sub, int scale, int minimum)
    {
        if (sub < 4)
        {
            s[sub] |= (byte)scale;
            s[sub + 4] |= (byte)minimum;
            return;
        }
        s[sub + 4] = (byte)(scale & 15 | minimum << 4);
        s[sub - 4] |= (byte)(scale >> 4 << 6);
        s[sub] |= (byte)(minimum >> 4 << 6);
    }

    private static void PutSix(Span<byte> block, int element, int level)
    {
        var (half, run, l) = (element / 128, element % 128 / Run, element % Run);
        block[half * 64 + run % 2 * Run + l] |= (byte)((level & 15) << (run / 2 * 4));
        block[128 + half * Run + l] |= (byte)(level >> 4 << (2 * run));
    }

    // The scale as a reader sees it.
    private static float Stored(Span<byte> at, float scale)
    {
        BinaryPrimitives.WriteHalfLittleEndian(at, (Half)scale);
        return (float)(Half)scale;
    }
}
