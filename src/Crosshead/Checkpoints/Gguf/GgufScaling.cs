using Crosshead.Layers;
using Crosshead.Model;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>How the files of an architecture say how rotary positions are scaled.</summary>
internal sealed record GgufScaling
{
    /// <summary>Name of the tensor with what each rotary frequency is divided by.</summary>
    public const string Divisors = "rope_freqs.weight";

    /// <summary>Names of the tensors with the factors of LongRoPE.</summary>
    public const string LongFactors = "rope_factors_long.weight", ShortFactors = "rope_factors_short.weight";

    private const string Type = "rope.scaling.type", Factor = "rope.scaling.factor",
        Original = "rope.scaling.original_context_length", Magnitude = "rope.scaling.attn_factor",
        Log = "rope.scaling.yarn_log_multiplier", Fast = "rope.scaling.yarn_beta_fast",
        Slow = "rope.scaling.yarn_beta_slow";

    private const double Tolerance = 1e-6; // relative, of numbers that are stored in single precision

    /// <summary>Whether a tensor may divide frequencies, as Llama 3 does.</summary>
    public bool HasDivisors { get; init; }

    /// <summary>Whether there is LongRoPE.</summary>
    public bool HasLongRope { get; init; }

    /// <summary>Whether keys say between which numbers of turns YaRN blends frequencies.</summary>
    public bool HasTurns { get; init; }

    /// <summary>
    /// What the key of YaRN's magnitude scale of all dimensions is that scale times; null: there is no such key.
    /// </summary>
    public double? LogUnit { get; init; }

    /// <summary>
    /// Whether YaRN's range is rounded to whole pairs in the models. Programs round it whatever the model.
    /// </summary>
    public bool RoundsRange { get; init; } = true;

    /// <summary>The keys that must be absent or 0, because nothing reads them.</summary>
    public IEnumerable<string> Unread => LogUnit is null ? [Log] : [];

    /// <summary>Adds the keys.</summary>
    public void Describe(GgufWriter writer, ModelOptions options, string prefix)
    {
        void Number(string key, double value) => writer.Add(prefix + key, (float)value);
        if (options.RopeScaling is not { Kind: not RopeScalingKind.Llama3 } scaling) return;
        var original = checked((uint)(scaling.OriginalContext ?? options.Context));
        if (scaling.Kind != RopeScalingKind.Linear || scaling.QueryGrowth is not null)
            writer.Add(prefix + Original, original);
        if (scaling is { Kind: RopeScalingKind.Linear, Factor: 1 }) return;
        writer.Add(prefix + Type, scaling.Kind.ToString().ToLowerInvariant());
        var magnitude = RotaryFrequencies.Magnitude(scaling, options.Context);
        if (scaling.Kind == RopeScalingKind.LongRope)
        {
            Number(Magnitude, magnitude);
            return;
        }
        Number(Factor, scaling.Factor);
        if (scaling.Kind == RopeScalingKind.Linear) return;
        if (HasTurns)
        {
            Number(Fast, scaling.FastTurns);
            Number(Slow, scaling.SlowTurns);
        }
        if (LogOf(scaling) is { } log) Number(Log, LogUnit!.Value * log);
        else if (!AreNear(magnitude, YarnMagnitude(scaling.Factor)))
            Number(Magnitude, magnitude / YarnMagnitude(scaling.Factor));
    }

    /// <summary>The tensors of a model's scaling, where keys do not say it.</summary>
    public IEnumerable<(string Name, float[] Values)> Tensors(ModelOptions options)
    {
        if (options.RopeScaling is not { } scaling) yield break;
        if (scaling is { ShortFactors: { } few, LongFactors: { } many })
        {
            yield return (LongFactors, [.. many.Select(f => (float)f)]);
            yield return (ShortFactors, [.. few.Select(f => (float)f)]);
        }
        if (scaling.Kind != RopeScalingKind.Llama3) yield break;
        var plain = RotaryFrequencies.Of(options.HeadDim, options.RopeBase, null, options.Context);
        var scaled = RotaryFrequencies.Of(options.HeadDim, options.RopeBase, scaling, options.Context);
        yield return (Divisors, [.. plain.Zip(scaled, (before, after) => (float)(before / after))]);
    }

    /// <summary>Reads the scaling; null for none.</summary>
    /// <param name="keys">The keys.</param>
    /// <param name="file">The file.</param>
    /// <param name="turned">Width of the part of each head that is rotated.</param>
    /// <param name="frequencyBase">RoPE's base (θ).</param>
    /// <param name="context">The model's context in tokens.</param>
    /// <exception cref="CrossheadException">The method is not supported, or the numbers contradict each
    /// other.</exception>
    public RopeScaling? Read(GgufKeys keys, GgufReader file, int turned, double frequencyBase, int context)
    {
        var named = Named(keys, file, turned, context);
        if (named?.Kind is null or RopeScalingKind.Linear) keys.Require(Magnitude, 1);
        if (!HasDivisors || !file.Tensors.ContainsKey(Divisors)) return named;
        if (named is not null)
            throw keys.Error($"it scales positions twice, by the key {keys.NameOf(Factor)} and by the tensor "
                + $"{Divisors}; one of them is supported");
        var divisors = Numbers(keys, file, Divisors, turned);
        return divisors.All(d => d == 1) ? null : GgufDivisors.ScalingOf(divisors, frequencyBase, context)
            ?? throw keys.Error($"the tensor {Divisors} holds factors that no scaling of Llama 3 gives, which is not "
                + "supported");
    }

    /// <summary>What of a model's scaling files cannot say; null for nothing.</summary>
    public string? Lacking(ModelOptions options)
    {
        if (options.RopeScaling is not { } scaling) return null;
        if (scaling.Kind == RopeScalingKind.LongRope) return HasLongRope ? null : "LongRoPE";
        if (scaling.Kind == RopeScalingKind.Llama3)
            return HasDivisors && options.RotaryDims is null ? null : "Llama 3's scaling of positions";
        if (scaling.Kind != RopeScalingKind.Yarn) return null;
        var usual = new RopeScaling();
        var turns = HasTurns || (scaling.FastTurns == usual.FastTurns && scaling.SlowTurns == usual.SlowTurns);
        // With latent attention the two magnitude scales decide on the scale of the scores, too.
        var magnitude = options.Attention.Latent is not { } latent || (LogOf(scaling) is { } log
            && AreNear(latent.ScaleFactor, Math.Pow(YarnMagnitude(scaling.Factor, log), 2)));
        return turns && magnitude && scaling.Truncate == RoundsRange ? null
            : "YaRN with settings besides factor and original context";
    }

    /// <summary>The magnitude scale of all dimensions in a file; 0 for none.</summary>
    public double LogIn(GgufKeys keys) => LogUnit is { } unit ? (keys.Number(Log) ?? 0) / unit : 0;

    /// <summary>What cosines and sines are multiplied by.</summary>
    /// <param name="factor">YaRN's factor.</param>
    /// <param name="weight">The magnitude scale.</param>
    public static double YarnMagnitude(double factor, double weight = 1) => (0.1 * weight * Math.Log(factor)) + 1;

    // The magnitude scale of all dimensions, where both are 1: programs do not read the other.
    private double? LogOf(RopeScaling scaling) => LogUnit is not null
        && scaling is { AttentionFactor: null, MagnitudeScale: 1, MagnitudeScaleAllDimensions: 1 } ? 1 : null;

    private RopeScaling? Named(GgufKeys keys, GgufReader file, int turned, int context)
    {
        // Without a type a factor is that of linear scaling, and without a factor a type says nothing.
        var type = keys.Text(Type) ?? "linear";
        var factor = keys.Number(Factor) ?? keys.Number("rope.scale_linear") ?? 0;
        string[] known = HasLongRope ? ["none", "linear", "yarn", "longrope"] : ["none", "linear", "yarn"];
        if (!known.Contains(type))
            throw keys.Error($"the key {keys.NameOf(Type)} is \"{type.Shown()}\", which is not supported; supported "
                + $"are {string.Join(", ", known[..^1])} and {known[^1]}");
        var original = keys.OptionalCount(Original);
        if (HasLongRope && file.Tensors.ContainsKey(LongFactors))
            return LongRope(keys, file, turned, context, original);
        if (type == "none" || factor is 0 or 1)
            return original is null || !HasTurns ? null : new RopeScaling { OriginalContext = original };
        var scaling = new RopeScaling { Factor = factor };
        return type == "linear" ? scaling : Yarn(keys, scaling, original);
    }

    private RopeScaling Yarn(GgufKeys keys, RopeScaling scaling, int? original)
    {
        var (log, magnitude) = (LogIn(keys), keys.Number(Magnitude) ?? 1);
        return scaling with
        {
            Kind = RopeScalingKind.Yarn,
            OriginalContext = original,
            FastTurns = keys.Number(Fast) ?? scaling.FastTurns,
            SlowTurns = keys.Number(Slow) ?? scaling.SlowTurns,
            Truncate = RoundsRange,
            MagnitudeScale = log == 0 ? null : log,
            MagnitudeScaleAllDimensions = log == 0 ? null : log,
            AttentionFactor = magnitude is 0 or 1 ? null : magnitude * YarnMagnitude(scaling.Factor),
        };
    }

    private static RopeScaling LongRope(GgufKeys keys, GgufReader file, int turned, int context, int? original)
    {
        var scaling = new RopeScaling
        {
            Kind = RopeScalingKind.LongRope,
            Factor = Math.Max(1, (double)context / (original ?? context)),
            OriginalContext = original,
            LongFactors = [.. Numbers(keys, file, LongFactors, turned).Select(GgufKeys.AsWritten)],
            ShortFactors = [.. Numbers(keys, file, ShortFactors, turned).Select(GgufKeys.AsWritten)],
        };
        var magnitude = keys.Number(Magnitude) is { } given and not 0 ? given : 1;
        return AreNear(magnitude, RotaryFrequencies.Magnitude(scaling, context)) ? scaling
            : scaling with { AttentionFactor = magnitude };
    }

    private static float[] Numbers(GgufKeys keys, GgufReader file, string name, int turned)
    {
        if (!file.Tensors.TryGetValue(name, out var tensor))
            throw keys.Error($"it lacks the tensor {name}, which belongs to LongRoPE; get the file again");
        if (tensor.Elements != turned / 2)
            throw keys.Error($"the tensor {name} has {tensor.Elements} numbers, a head turns {turned / 2} pairs; they "
                + "must be equal");
        var numbers = new float[turned / 2];
        file.Read(name, 0, numbers);
        return numbers;
    }

    private static bool AreNear(double one, double other) => Math.Abs(one - other) <= Tolerance * Math.Abs(one);
}
