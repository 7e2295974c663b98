using System.Numerics;

namespace Crosshead.Layers;

/// <summary>
/// The rotary angles of a kind of layer, as numbers: what <see cref="RotaryEmbedding"/> makes tensors of, and a decoder
/// without tensors its own tables. They are computed in float64: at far positions float32 loses digits of position ·
/// frequency.
/// </summary>
internal sealed class RotaryAngles
{
    private const long AnglesPerTask = 1 << 14;

    private readonly double[] _frequencies; // [d/2]
    private readonly double[] _short;       // [d/2], of the first positions
    private readonly long _first;           // number of these positions
    private readonly double[] _magnitudes;  // [d/2]

    /// <summary>Prepares the angles.</summary>
    /// <inheritdoc cref="RotaryEmbedding(long, long, double, TorchSharp.torch.ScalarType, TorchSharp.torch.Device,
    /// RopeScaling, long?, bool)"/>
    public RotaryAngles(long headDim, long positions, double frequencyBase, RopeScaling? scaling = null,
        long? turned = null, bool beyond = true)
    {
        (Positions, Growth, Original) = (positions, scaling?.QueryGrowth, scaling?.OriginalContext ?? positions);
        _frequencies = RotaryFrequencies.Of(headDim, frequencyBase, scaling, positions, turned);
        _short = RotaryFrequencies.Of(headDim, frequencyBase, scaling, positions, turned, beyond: false);
        _first = beyond || scaling?.Kind != RopeScalingKind.LongRope ? 0 : Original;
        _magnitudes = [.. Enumerable.Repeat(1.0, _frequencies.Length)];
        _magnitudes.AsSpan(0, (int)(turned ?? headDim) / 2).Fill(RotaryFrequencies.Magnitude(scaling, positions));
    }

    /// <summary>Maximum number of positions.</summary>
    public long Positions { get; }

    /// <summary>Number of pairs d/2.</summary>
    public int Pairs => _frequencies.Length;

    /// <summary>How queries grow with their positions, see <see cref="RopeScaling.QueryGrowth"/>; null: they do
    /// not.</summary>
    public double? Growth { get; }

    /// <summary>The context after which queries grow, in tokens.</summary>
    public long Original { get; }

    /// <summary>
    /// What the query of a position p is multiplied by beside the rotation: 1 + growth · ln(1 + ⌊p / original⌋).
    /// </summary>
    public double QueryFactor(long position) =>
        1 + ((Growth ?? 0) * Math.Log(1 + Math.Floor((double)position / Original)));

    /// <summary>Cosines and sines of positions 0 … <paramref name="rows"/> − 1.</summary>
    /// <param name="rows">Number of positions.</param>
    /// <returns>[rows, d/2] both.</returns>
    public (T[] Cos, T[] Sin) Table<T>(long rows) where T : INumberBase<T>
    {
        var (cos, sin) = (new T[rows * Pairs], new T[rows * Pairs]);
        var step = Math.Max(1, AnglesPerTask / Pairs);
        Parallel.For(0, (rows + step - 1) / step, task =>
        {
            for (var row = task * step; row < Math.Min((task + 1) * step, rows); row++)
                Write(row, cos.AsSpan((int)(row * Pairs), Pairs), sin.AsSpan((int)(row * Pairs), Pairs));
        });
        return (cos, sin);
    }

    private void Write<T>(long position, Span<T> cos, Span<T> sin) where T : INumberBase<T>
    {
        var frequencies = position < _first ? _short : _frequencies;
        for (var p = 0; p < frequencies.Length; p++)
        {
            var (sine, cosine) = Math.SinCos(position * frequencies[p]);
            (cos[p], sin[p]) = (T.CreateTruncating(cosine * _magnitudes[p]), T.CreateTruncating(sine * _magnitudes[p]));
        }
    }
}
