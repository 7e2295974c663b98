using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Generation;

/// <summary>The tokens that a draw may take, and their weights: probabilities times one factor.</summary>
/// <param name="most">Most tokens.</param>
internal sealed class Candidates(int most)
{
    private const int PartSize = 512; // tokens whose weights are summed by themselves to find the one that is drawn
    private const double SumError = 1e-15; // of a sum of weights, relative to it, for each weight

    private static readonly int s_lanes = Vector512<float>.Count;
    private readonly double[] _parts = new double[(most + PartSize - 1) / PartSize];
    private double? _sum;
    private readonly float[] _weights = new float[(most + s_lanes - 1) / s_lanes * s_lanes];
    private readonly int[] _ids = new int[most];

    /// <summary>Number of tokens.</summary>
    public int Count { get; private set; }

    /// <summary>Sum of their weights, one after the other.</summary>
    public double Sum
    {
        get => _sum ??= Total();
        private set => _sum = value;
    }

    /// <summary>The weights; before <see cref="Weigh"/> what the scores are less than the best.</summary>
    public ReadOnlySpan<float> Weights => _weights.AsSpan(0, Count);

    /// <summary>Memory for as many numbers as there may be tokens, while there are none.</summary>
    public Span<float> Scratch => _weights.AsSpan(0, _ids.Length);

    /// <summary>By what scores are multiplied at a temperature.</summary>
    // Limited to the largest float: its product with 0 is then 0, and the best token keeps weight 1.
    public static float Scale(double temperature) => (float)Math.Min(1 / temperature, float.MaxValue);

    /// <summary>Removes all.</summary>
    public void Clear() => Count = 0;

    /// <summary>Adds a token.</summary>
    /// <param name="id">The token.</param>
    /// <param name="difference">What its score is less than the best one.</param>
    public void Add(int id, float difference) => (_ids[Count], _weights[Count++]) = (id, difference);

    /// <summary>Takes the tokens whose scores reach a threshold, in the order of their ids, and no others.</summary>
    /// <param name="scores">A score for each token.</param>
    /// <param name="best">The best score.</param>
    /// <param name="threshold">The threshold.</param>
    public void Take(ReadOnlySpan<float> scores, float best, float threshold)
    {
        var (count, id) = (0, 0);
        if (float.IsNegativeInfinity(threshold)) count = id = TakeFirst(scores, best);
        for (; id < scores.Length; id++)
        {
            if (!(scores[id] >= threshold)) continue;
            _ids[count] = id;
            _weights[count++] = scores[id] - best;
        }
        Count = count;
    }

    // Takes whole vectors of tokens, as long as all of them have a number.
    private int TakeFirst(ReadOnlySpan<float> scores, float best)
    {
        var (less, id) = (Vector512.Create(best), 0);
        for (var ids = Vector512<int>.Indices; id + s_lanes <= scores.Length; id += s_lanes)
        {
            var some = Vector512.Create(scores[id..]);
            if (!Vector512.EqualsAll(some, some)) break;
            (some - less).CopyTo(_weights, id);
            ids.CopyTo(_ids, id);
            ids += Vector512.Create(s_lanes);
        }
        return id;
    }

    /// <summary>The lowest id of those as likely as the likeliest; before <see cref="Weigh"/>.</summary>
    public int LowestOfLikeliest()
    {
        var id = int.MaxValue;
        for (var i = 0; i < Count; i++)
            if (_weights[i] == 0) id = Math.Min(id, _ids[i]);
        return id;
    }

    /// <summary>Makes weights e^(difference / temperature) of the differences.</summary>
    public void Weigh(double temperature)
    {
        var scale = Vector512.Create(Scale(temperature));
        // Whole vectors at the end too, so that a weight does not depend on its place.
        var count = (Count + s_lanes - 1) / s_lanes;
        var vectors = MemoryMarshal.Cast<float, Vector512<float>>(_weights.AsSpan())[..count];
        foreach (ref var w in vectors) w = Vector512.Exp(w * scale);
        _sum = null;
    }

    /// <summary>Puts them in the order of their ids.</summary>
    public void SortById() => Array.Sort(_ids, _weights, 0, Count);

    /// <summary>Puts the likeliest first, and of equals the lowest id.</summary>
    public void SortByWeight()
    {
        Array.Sort(_weights, _ids, 0, Count);
        _weights.AsSpan(0, Count).Reverse();
        _ids.AsSpan(0, Count).Reverse();
        for (int first = 0, end; first < Count; first = end)
        {
            for (end = first + 1; end < Count && _weights[end] == _weights[first]; end++) { }
            if (end - first > 1) Array.Sort(_ids, first, end - first);
        }
    }

    /// <summary>Top-p: keeps the fewest of the likeliest tokens that have a share of the sum.</summary>
    public void KeepMass(double share)
    {
        var wanted = share * Sum;
        // Together, all tokens below an equal part of what may be dropped are less than it: dropped without sorting.
        KeepAtLeast((float)((Sum - wanted) / Count));
        SortByWeight();
        var (kept, mass) = (1, (double)_weights[0]);
        while (kept < Count && mass < wanted) mass += _weights[kept++];
        (Count, Sum) = (kept, mass);
    }

    /// <summary>Min-p: keeps the tokens that have at least some weight.</summary>
    public void KeepAtLeast(float weight)
    {
        var (kept, sum) = (0, 0.0);
        for (var i = 0; i < Count; i++)
        {
            if (!(_weights[i] >= weight)) continue;
            sum += _weights[i];
            (_weights[kept], _ids[kept++]) = (_weights[i], _ids[i]);
        }
        (Count, Sum) = (kept, sum);
    }

    /// <summary>Keeps the first ones.</summary>
    public void KeepFirst(int count) => Count = count;

    /// <summary>Draws one of them.</summary>
    /// <param name="random">A random number, 0 to 1.</param>
    public int Pick(double random) => _sum is null && PickByParts(random) is >= 0 and var id ? id
        : Pick(random, Count, Sum);

    /// <summary>Draws one of the first ones.</summary>
    /// <param name="random">A random number, 0 to 1.</param>
    /// <param name="count">How many.</param>
    /// <param name="sum">The sum of their weights.</param>
    public int Pick(double random, int count, double sum)
    {
        var (left, last) = (random * sum, 0);
        for (var i = 0; i < count; i++)
        {
            if (_weights[i] == 0) continue; // unlikely beyond what a float says, or impossible
            left -= _weights[last = i];
            if (left < 0) break;
        }
        return _ids[last]; // of the last one also where rounding left a sliver
    }

    // The token that sums of one weight after the other find, by sums of many side by side, which round otherwise; −1
    // where that may be another token.
    private int PickByParts(double random)
    {
        var parts = _parts.AsSpan(0, (Count + PartSize - 1) / PartSize);
        var sum = 0.0;
        for (var part = 0; part < parts.Length; part++)
            sum += parts[part] = SumOf(Weights.Slice(part * PartSize, Math.Min(PartSize, Count - (part * PartSize))));
        var (wanted, error, mass, first) = (random * sum, sum * Count * SumError, 0.0, 0);
        while (first < parts.Length && mass + parts[first] <= wanted) mass += parts[first++];
        for (var i = first * PartSize; i < Count; i++)
        {
            var next = mass + _weights[i];
            if (next > wanted) return wanted - mass > error && next - wanted > error ? _ids[i] : -1;
            mass = next;
        }
        return -1;
    }

    private static double SumOf(ReadOnlySpan<float> weights)
    {
        var (lower, upper, i) = (Vector512<double>.Zero, Vector512<double>.Zero, 0);
        for (; i + s_lanes <= weights.Length; i += s_lanes)
        {
            var (some, others) = Vector512.Widen(Vector512.Create(weights[i..]));
            lower += some;
            upper += others;
        }
        var sum = Vector512.Sum(lower + upper);
        for (; i < weights.Length; i++) sum += weights[i];
        return sum;
    }

    private double Total()
    {
        var sum = 0.0;
        foreach (var weight in Weights) sum += weight;
        return sum;
    }
}
