namespace Crosshead.Layers;

/// <summary>
/// The angles by which rotary embedding rotates each pair at position 1, and the factor of the rotated pairs.
/// </summary>
internal static class RotaryFrequencies
{
    /// <summary>Angle of each of the d/2 pairs, in radians per position.</summary>
    /// <param name="headDim">Head width d, even.</param>
    /// <param name="frequencyBase">RoPE's base (θ).</param>
    /// <param name="scaling">How frequencies are scaled; null for no scaling.</param>
    /// <param name="context">The model's context in tokens. It is used as the original context if the scaling names
    /// none.</param>
    /// <param name="turned">Width of the part that is rotated, even; null for all of the head. The pairs of the rest
    /// have the angle 0.</param>
    /// <param name="beyond">Whether texts may be longer than the original context (LongRoPE).</param>
    public static double[] Of(long headDim, double frequencyBase, RopeScaling? scaling, long context,
        long? turned = null, bool beyond = true)
    {
        if (turned is not { } width || width == headDim)
            return OfWhole(headDim, frequencyBase, scaling, context, beyond);
        var angles = new double[headDim / 2];
        OfWhole(width, frequencyBase, scaling, context, beyond).CopyTo(angles, 0);
        return angles;
    }

    private static double[] OfWhole(long headDim, double frequencyBase, RopeScaling? scaling, long context, bool beyond)
    {
        var plain = new double[headDim / 2];
        for (var p = 0; p < plain.Length; p++) plain[p] = Math.Pow(frequencyBase, -2.0 * p / headDim);
        var original = (double)(scaling?.OriginalContext ?? context);
        return scaling?.Kind switch
        {
            null => plain,
            RopeScalingKind.Linear => Array.ConvertAll(plain, f => f / scaling.Factor),
            RopeScalingKind.Llama3 => Array.ConvertAll(plain,
                f => Blend(f, scaling.Factor, Math.Clamp(Llama3Share(f, scaling, original), 0, 1))),
            RopeScalingKind.Yarn => Yarn(plain, headDim, frequencyBase, scaling, original),
            RopeScalingKind.LongRope => [.. plain.Zip((beyond ? scaling.LongFactors : scaling.ShortFactors)!,
                (f, factor) => f / factor)],
            _ => throw new CrossheadException($"unknown rotary scaling {scaling.Kind}."),
        };
    }

    /// <summary>What cosines and sines are multiplied by.</summary>
    /// <param name="scaling">How frequencies are scaled; null for no scaling.</param>
    /// <param name="context">The model's context in tokens, if the scaling names no original one.</param>
    public static double Magnitude(RopeScaling? scaling, long context)
    {
        if (scaling?.Kind is not (RopeScalingKind.Yarn or RopeScalingKind.LongRope)) return 1;
        if (scaling.AttentionFactor is { } given) return given;
        if (scaling.Kind == RopeScalingKind.LongRope)
            return scaling.Factor <= 1 ? 1
                : Math.Sqrt(1 + (Math.Log(scaling.Factor) / Math.Log(scaling.OriginalContext ?? context)));
        double Of(double weight) => (0.1 * weight * Math.Log(scaling.Factor)) + 1;
        return scaling is { MagnitudeScale: { } scale, MagnitudeScaleAllDimensions: { } all }
            ? Of(scale) / Of(all) : Of(1);
    }

    // share of the frequency as it is, the rest divided by the factor
    private static double Blend(double frequency, double factor, double share) =>
        (share * frequency) + ((1 - share) * frequency / factor);

    // 0 for what turns less than the low factor within the original context, 1 from the high factor on.
    private static double Llama3Share(double frequency, RopeScaling scaling, double original) =>
        ((original * frequency / (2 * Math.PI)) - scaling.LowFrequencyFactor)
        / (scaling.HighFrequencyFactor - scaling.LowFrequencyFactor);

    private static double[] Yarn(double[] plain, long headDim, double frequencyBase, RopeScaling scaling,
        double original)
    {
        // The pair, as a real number, that turns so often within the original context.
        double PairOf(double turns) =>
            headDim * Math.Log(original / (turns * 2 * Math.PI)) / (2 * Math.Log(frequencyBase));
        var (first, last) = (PairOf(scaling.FastTurns), PairOf(scaling.SlowTurns));
        if (scaling.Truncate) (first, last) = (Math.Floor(first), Math.Ceiling(last));
        (first, last) = (Math.Max(first, 0), Math.Min(last, headDim - 1));
        if (first == last) last += 0.001; // a step
        var scaled = new double[plain.Length];
        for (var p = 0; p < plain.Length; p++)
            scaled[p] = Blend(plain[p], scaling.Factor, 1 - Math.Clamp((p - first) / (last - first), 0, 1));
        return scaled;
    }
}
