using System.Runtime.Intrinsics;

namespace Crosshead.Weights;

/// <summary>
/// Searches the scale of a few numbers that become whole multiples of it. Errors of large numbers count more than those
/// of small ones: the weight of a number is its magnitude, plus the root mean square of all. Every sum has the same
/// terms in the same order on every processor.
/// </summary>
internal static class ScaleSearch
{
    private const int Refinements = 4;

    /// <summary>The weights of the numbers of a sub-block.</summary>
    /// <param name="first">The numbers.</param>
    /// <param name="second">More of them; zero if there are none.</param>
    /// <param name="count">How many there are.</param>
    public static (Vector512<float> First, Vector512<float> Second) Weights(Vector512<float> first,
        Vector512<float> second, int count)
    {
        var level = Vector512.Create(MathF.Sqrt(Total(first * first + second * second) / count));
        return (level + Vector512.Abs(first), level + Vector512.Abs(second));
    }

    /// <summary>The sum of the elements.</summary>
    public static float Total(Vector512<float> v)
    {
        var eight = v.GetLower() + v.GetUpper();
        var four = eight.GetLower() + eight.GetUpper();
        return (four[0] + four[1]) + (four[2] + four[3]);
    }

    /// <summary>
    /// Searches scale and minimum so that scale · q − minimum is close to 32 numbers, for whole q from 0 to
    /// <paramref name="most"/>. Neither is negative.
    /// </summary>
    public static (float Scale, float Minimum) Ranged(Vector512<float> a, Vector512<float> b, Vector512<float> weightA,
        Vector512<float> weightB, int most)
    {
        var smallest = MathF.Min(0, Smallest(Vector512.Min(a, b)));
        var range = -Smallest(-Vector512.Max(a, b)) - smallest;
        if (range <= 0) return (0, -smallest);
        var best = (Scale: range / most, Offset: smallest, Error: float.PositiveInfinity);
        // Slightly smaller and larger scales than the one that covers the range.
        for (var step = 0; step <= 20; step++)
            Try(range / (most - 1 + 0.1f * step), smallest);
        for (var i = 0; i < Refinements && best.Scale > 0; i++)
        {
            var error = best.Error;
            Try(best.Scale, best.Offset);
            if (best.Error >= error) break;
        }
        return (best.Scale, -best.Offset);

        // Takes the multiples that a scale and an offset give, then the best scale and offset for these multiples.
        void Try(float scale, float offset)
        {
            var (qa, qb) = (Levels(a, scale, offset, most), Levels(b, scale, offset, most));
            var (wqa, wqb) = (weightA * qa, weightB * qb);
            float w = Total(weightA + weightB), q = Total(wqa + wqb), qq = Total(wqa * qa + wqb * qb),
                x = Total(weightA * a + weightB * b), xq = Total(wqa * a + wqb * b);
            if (qq <= 0) return;
            var determinant = w * qq - q * q;
            (scale, offset) = determinant > 0 ? ((w * xq - x * q) / determinant, (qq * x - q * xq) / determinant)
                : (xq / qq, 0);
            if (offset > 0) (scale, offset) = (xq / qq, 0);
            if (scale <= 0) return;
            var (da, db) = (Distance(a, qa, scale, offset), Distance(b, qb, scale, offset));
            var error = Total(weightA * da * da + weightB * db * db);
            if (error < best.Error) best = (scale, offset, error);
        }
    }

    /// <summary>
    /// Searches a scale so that scale · q is close to 16 numbers, for whole q from −<paramref name="zero"/> to
    /// <paramref name="zero"/> − 1. It may be negative.
    /// </summary>
    public static float Symmetric(Vector512<float> x, Vector512<float> weight, int zero)
    {
        var (smallest, largest) = (Smallest(x), -Smallest(-x));
        var extreme = -smallest >= largest ? smallest : largest;
        if (extreme == 0) return 0;
        var best = (Scale: extreme / -zero, Gain: float.NegativeInfinity);
        for (var step = -9; step <= 9; step++) Try(extreme / -(zero + 0.1f * step));
        for (var i = 0; i < Refinements; i++)
        {
            var gain = best.Gain;
            Try(best.Scale);
            if (best.Gain <= gain) break;
        }
        return best.Scale;

        // For given multiples the best scale leaves an error that is smaller by this gain than that of zeros.
        void Try(float scale)
        {
            var q = Vector512.Clamp(Vector512.Round(x / Vector512.Create(scale)), Vector512.Create((float)-zero),
                Vector512.Create(zero - 1f));
            float xq = Total(weight * x * q), qq = Total(weight * q * q);
            if (qq > 0 && xq * xq / qq is var gain && gain > best.Gain) best = (xq / qq, gain);
        }
    }

    /// <summary>The nearest multiples: whole numbers from 0 to <paramref name="most"/>.</summary>
    public static Vector512<float> Levels(Vector512<float> x, float scale, float offset, int most) => scale == 0
        ? Vector512<float>.Zero
        : Vector512.Clamp(Vector512.Round((x - Vector512.Create(offset)) / Vector512.Create(scale)),
            Vector512<float>.Zero, Vector512.Create((float)most));

    /// <summary>How far scale · q + offset is from the numbers.</summary>
    public static Vector512<float> Distance(Vector512<float> x, Vector512<float> q, float scale, float offset) =>
        q * scale + Vector512.Create(offset) - x;

    private static float Smallest(Vector512<float> v)
    {
        var eight = Vector256.Min(v.GetLower(), v.GetUpper());
        var four = Vector128.Min(eight.GetLower(), eight.GetUpper());
        return MathF.Min(MathF.Min(four[0], four[1]), MathF.Min(four[2], four[3]));
    }
}
