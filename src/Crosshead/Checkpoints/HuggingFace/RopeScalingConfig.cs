using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Layers;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>
/// A base and a scaling of rotary positions as one object of <c>config.json</c>, wherever it stands
/// (<see cref="RopeConfig"/>).
/// </summary>
internal static class RopeScalingConfig
{
    /// <summary>The keys of the base, and of the part of each head that is rotated.</summary>
    public const string Base = "rope_theta", PartialKey = "partial_rotary_factor";

    private const string Growth = "llama_4_scaling_beta", ShortFactors = "short_factor", LongFactors = "long_factor",
        Type = "rope_type", OldType = "type", Default = "default", Original = "original_max_position_embeddings";

    // All keys except the first two and the last one change the angles, so an unknown key cannot be ignored.
    private static readonly string[] KnownKeys =
    [
        "finetuned", Base, Type, OldType, "factor", Original, "low_freq_factor", "high_freq_factor", "attention_factor",
        "mscale", "mscale_all_dim", "beta_fast", "beta_slow", "truncate", PartialKey, ShortFactors, LongFactors, Growth,
        "max_position_embeddings",
    ];

    /// <summary>Reads a scaling; null for none.</summary>
    /// <param name="config">The configuration, which has some of the numbers.</param>
    /// <param name="rope">The object.</param>
    /// <exception cref="CrossheadException">The method is not supported, or lacks a number.</exception>
    public static RopeScaling? Read(ConfigValues config, ConfigValues rope)
    {
        var name = TypeOf(rope) ?? Default;
        var growth = rope.Optional<double>(Growth);
        if (name == Default && growth is null) return null;
        var original = rope.Optional<int>(Original) ?? config.Optional<int>(Original);
        RopeScaling scaling = name switch
        {
            Default => new() { OriginalContext = original },
            "linear" => new() { Factor = rope.Required<double>("factor") },
            "llama3" => new()
            {
                Kind = RopeScalingKind.Llama3,
                Factor = rope.Required<double>("factor"),
                LowFrequencyFactor = rope.Required<double>("low_freq_factor"),
                HighFrequencyFactor = rope.Required<double>("high_freq_factor"),
                OriginalContext = original,
            },
            "yarn" => Yarn(config, rope, original),
            "longrope" or "su" => new() // the second is an older name
            {
                Kind = RopeScalingKind.LongRope,
                Factor = FactorOf(config, rope, original),
                OriginalContext = original,
                AttentionFactor = rope.Optional<double>("attention_factor"),
                ShortFactors = rope.Required<double[]>(ShortFactors),
                LongFactors = rope.Required<double[]>(LongFactors),
            },
            _ => throw config.Error($"{Type} \"{name.Shown()}\" is not supported; supported are {Default}, "
                + $"{string.Join(", ", Enum.GetValues<RopeScalingKind>().Select(NameOf))}"),
        };
        return growth is null ? scaling : scaling with { QueryGrowth = growth, OriginalContext = original };
    }

    /// <summary>Checks the keys of an object.</summary>
    /// <param name="key">Where it stands.</param>
    /// <param name="rope">The object.</param>
    /// <param name="family">The model's family.</param>
    /// <param name="own">Whether the configuration has the keys of <c>crosshead</c>.</param>
    /// <exception cref="CrossheadException">A key is unknown, not supported for the family, or given twice.</exception>
    public static void RequireKnown(string key, ConfigValues rope, FamilyConfig family, bool own)
    {
        if (rope.Keys.FirstOrDefault(k => !KnownKeys.Contains(k)) is { } unknown)
            throw rope.Error($"{key} holds {rope.Shown(unknown)}, which is not supported; known are "
                + $"{string.Join(", ", KnownKeys[1..])}");
        if (family.PartialRotary is null && rope.Or(PartialKey, 1.0) != 1)
            throw rope.Error($"{rope.Shown(PartialKey)} is not supported for {family.Name}; supported is 1");
        if (!own && !family.QueryGrowth && rope[Growth] is not null)
            throw rope.Error($"{rope.Shown(Growth)} is not supported for {family.Name}; supported is null");
        if (rope[Type] is not null && rope[OldType] is not null
            && rope.Required<string>(Type) != rope.Required<string>(OldType))
            throw rope.Error($"{rope.Shown(Type)} and {rope.Shown(OldType)} contradict each other; remove one");
    }

    /// <summary>What an object holds that its method does not use. Transformers 5 warns and continues.</summary>
    /// <param name="key">Where it stands.</param>
    /// <param name="rope">The object.</param>
    /// <returns>A sentence without its end; null for nothing.</returns>
    public static string? Unused(string key, ConfigValues rope)
    {
        var used = TypeOf(rope) switch
        {
            null or Default => [],
            "linear" => ["factor"],
            "llama3" => ["factor", Original, "low_freq_factor", "high_freq_factor"],
            _ => KnownKeys,
        };
        string[] unused = [.. rope.Keys.Except(["finetuned", Base, Type, OldType, PartialKey, .. used])
            .Where(k => rope[k] is not null)];
        if (unused.Length == 0) return null;
        var why = TypeOf(rope) is { } named ? $"holds what {Type} {named} does not use"
            : $"names no {Type}, so that nothing uses";
        return $"{key} {why}: {string.Join(", ", unused.Select(rope.Shown))}";
    }

    /// <summary>An object without a scaling.</summary>
    public static JsonObject None() => new() { [Type] = Default };

    /// <summary>Writes a base and a scaling, as Transformers 5 knows them.</summary>
    public static JsonObject Write(RotaryOptions rotary)
    {
        var rope = rotary.Scaling is { } scaling ? Write(scaling) : None();
        rope[Base] = rotary.Base;
        return rope;
    }

    /// <summary>Writes a scaling.</summary>
    public static JsonObject Write(RopeScaling scaling)
    {
        var rope = new JsonObject { [Type] = NameOf(scaling.Kind), ["factor"] = scaling.Factor };
        if ((scaling.Kind != RopeScalingKind.Linear || scaling.QueryGrowth is not null)
            && scaling.OriginalContext is { } original)
            rope[Original] = original;
        if (scaling.QueryGrowth is { } growth) rope[Growth] = growth;
        if (scaling.Kind is RopeScalingKind.Yarn or RopeScalingKind.LongRope
            && scaling.AttentionFactor is { } attention) rope["attention_factor"] = attention;
        if (scaling.Kind == RopeScalingKind.Llama3)
        {
            rope["low_freq_factor"] = scaling.LowFrequencyFactor;
            rope["high_freq_factor"] = scaling.HighFrequencyFactor;
        }
        if (scaling.Kind == RopeScalingKind.LongRope)
        {
            rope[ShortFactors] = JsonSerializer.SerializeToNode(scaling.ShortFactors);
            rope[LongFactors] = JsonSerializer.SerializeToNode(scaling.LongFactors);
        }
        if (scaling.Kind == RopeScalingKind.Yarn)
        {
            if (scaling.MagnitudeScale is { } scale) rope["mscale"] = scale;
            if (scaling.MagnitudeScaleAllDimensions is { } all) rope["mscale_all_dim"] = all;
            rope["beta_fast"] = scaling.FastTurns;
            rope["beta_slow"] = scaling.SlowTurns;
            rope["truncate"] = scaling.Truncate;
        }
        return rope;
    }

    /// <summary>Whether two scalings are equal, number by number.</summary>
    public static bool AreSame(RopeScaling? one, RopeScaling? other)
    {
        if (one is null || other is null) return one is null && other is null;
        RopeScaling WithoutLists(RopeScaling scaling) => scaling with { ShortFactors = null, LongFactors = null };
        return WithoutLists(one) == WithoutLists(other)
            && (one.ShortFactors ?? []).SequenceEqual(other.ShortFactors ?? [])
            && (one.LongFactors ?? []).SequenceEqual(other.LongFactors ?? []);
    }

    // The method's name; null if none is given.
    private static string? TypeOf(ConfigValues rope) => rope.Or<string?>(Type, null) ?? rope.Or<string?>(OldType, null);

    // Transformers divides the two contexts where the factor is absent.
    private static double FactorOf(ConfigValues config, ConfigValues rope, int? original) =>
        rope.Optional<double>("factor") ?? (original is { } o && o > 0
            ? config.Required<double>("max_position_embeddings") / o : rope.Required<double>("factor"));

    private static RopeScaling Yarn(ConfigValues config, ConfigValues rope, int? original)
    {
        var defaults = new RopeScaling();
        // Transformers computes an attention factor from the scales only if both are present and not 0.
        var (scale, all) = (rope.Or("mscale", 0.0), rope.Or("mscale_all_dim", 0.0));
        var both = scale != 0 && all != 0;
        return new RopeScaling
        {
            Kind = RopeScalingKind.Yarn,
            Factor = FactorOf(config, rope, original),
            OriginalContext = original,
            AttentionFactor = rope.Optional<double>("attention_factor"),
            MagnitudeScale = both ? scale : null,
            MagnitudeScaleAllDimensions = both ? all : null,
            FastTurns = rope.Or("beta_fast", defaults.FastTurns),
            SlowTurns = rope.Or("beta_slow", defaults.SlowTurns),
            Truncate = rope.Or("truncate", defaults.Truncate),
        };
    }

    private static string NameOf(RopeScalingKind kind) => kind.ToString().ToLowerInvariant();
}
