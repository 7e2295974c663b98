using System.Numerics;

namespace Crosshead.Generation;

/// <summary>Which tokens one draw may take. The default value limits nothing.</summary>
internal readonly ref struct DrawLimits
{
    private readonly ReadOnlySpan<ulong> _allowed;
    private readonly ReadOnlySpan<int> _ends, _barred;

    /// <summary>Limits a draw.</summary>
    /// <param name="allowed">The allowed tokens, one bit each, the lowest bit first; empty for all.</param>
    /// <param name="ends">Tokens that are allowed as well.</param>
    /// <param name="barred">Tokens that are not allowed, whatever the others say.</param>
    public DrawLimits(ReadOnlySpan<ulong> allowed, ReadOnlySpan<int> ends, ReadOnlySpan<int> barred)
    {
        _allowed = allowed;
        _ends = ends;
        _barred = barred;
    }

    /// <summary>Whether every token may be drawn.</summary>
    public bool IsNone => _allowed.IsEmpty && _barred.IsEmpty;

    /// <summary>Whether a token may be drawn.</summary>
    public bool Allow(int id) => !_barred.Contains(id)
        && (_allowed.IsEmpty || _ends.Contains(id)
            || (id >> 6 < _allowed.Length && (_allowed[id >> 6] >> (id & 63) & 1) != 0));

    /// <summary>Sets the scores of all other tokens to minus infinity.</summary>
    /// <param name="logits">The logits.</param>
    /// <param name="scores">A copy of them, which is changed.</param>
    public void Apply(ReadOnlySpan<float> logits, Span<float> scores)
    {
        if (!_allowed.IsEmpty)
        {
            for (var first = 0; first < scores.Length; first += 64)
            {
                var block = scores.Slice(first, Math.Min(64, scores.Length - first));
                var missing = first >> 6 < _allowed.Length ? ~_allowed[first >> 6] : ulong.MaxValue;
                if (missing == ulong.MaxValue) block.Fill(float.NegativeInfinity);
                else Mask(block, missing);
            }
            foreach (var id in _ends)
                if (id < scores.Length) scores[id] = logits[id];
        }
        foreach (var id in _barred)
            if (id < scores.Length) scores[id] = float.NegativeInfinity;
    }

    private static void Mask(Span<float> block, ulong missing)
    {
        for (; missing != 0; missing &= missing - 1)
        {
            var at = BitOperations.TrailingZeroCount(missing);
            if (at < block.Length) block[at] = float.NegativeInfinity;
        }
    }
}
