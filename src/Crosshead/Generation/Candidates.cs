using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Generation;

/// <summary>The tokens that a draw may take, and their weights: probabilities times one factor.</summary>
/// <param name="most">Most tokens.</param>
internal sealed class Candidates(int most)
{
    private static readonly int s_lanes = Vector512<float>.Count;
    private readonly float[] _weights = new float[(most + s_lanes - 1) / s_lanes * s_lanes];
    private readonly int[] _ids = new int[most];

    /// <summary>Number of tokens.</summary>
    public int Count { get; private set; }

    /// <summary>Sum of their weights.</summary>
    public double Sum { get; private set; }

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
        var count = 0;
        for (var id = 0; id < scores.Length; id++)
        {
            if (!(scores[id] >= threshold)) continue;
            _ids[count] = id;
            _weights[count++] = scores[id] - best;
        }
        Count = count;
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
        Sum = 0;
        foreach (var w in Weights) Sum += w;
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
    public int Pick(double random) => Pick(random, Count, Sum);

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
}
