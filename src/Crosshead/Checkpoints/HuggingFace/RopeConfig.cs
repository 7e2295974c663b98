using System.Text.Json.Nodes;
using Crosshead.Layers;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>
/// Rotary positions in <c>config.json</c>: Transformers 4 writes <c>rope_theta</c> and <c>rope_scaling</c>,
/// Transformers 5 <c>rope_parameters</c> with both in it.
/// </summary>
internal static class RopeConfig
{
    private const double DefaultBase = 10000;

    private const string Base = "rope_theta", Type = "rope_type", OldType = "type", Default = "default",
        Original = "original_max_position_embeddings";

    private static readonly string[] Objects = ["rope_parameters", "rope_scaling"];

    // All keys except the first two change the angles, so an unknown key cannot be ignored.
    private static readonly string[] KnownKeys =
    [
        "finetuned", Base, Type, OldType, "factor", Original, "low_freq_factor", "high_freq_factor", "attention_factor",
        "mscale", "mscale_all_dim", "beta_fast", "beta_slow", "truncate", "partial_rotary_factor",
    ];

    /// <summary>Reads the base and the scaling.</summary>
    /// <exception cref="CrossheadException">The method is not supported, lacks a number, or the two spellings
    /// contradict each other.</exception>
    public static (double Base, RopeScaling? Scaling) Read(ConfigValues config)
    {
        var found = Objects.Where(key => config[key] is not null)
            .Select(key => (Key: key, Rope: config.Child(key)!)).ToArray();
        foreach (var (key, rope) in found) RequireKnown(key, rope);
        var scalings = found.Select(f => Scaling(config, f.Rope)).Distinct().ToArray();
        if (scalings.Length > 1)
            throw config.Error(
                $"{string.Join(" and ", Objects.Select(config.Shown))} contradict each other; remove one");

        var bases = found.Select(f => f.Rope.Optional<double>(Base)).Append(config.Optional<double>(Base))
            .OfType<double>().Distinct().ToArray();
        if (bases.Length > 1) throw config.Error($"{Base} is given twice, as {bases[0]} and as {bases[1]}; remove one");
        return (bases.Length > 0 ? bases[0] : DefaultBase, scalings.FirstOrDefault());
    }

    /// <summary>Numbers of a scaling that its method does not use. Transformers 5 warns and continues.</summary>
    public static IEnumerable<string> Remarks(ConfigValues config)
    {
        foreach (var key in Objects.Where(key => config[key] is not null))
        {
            var rope = config.Child(key)!;
            var used = TypeOf(rope) switch
            {
                null or Default => [],
                "linear" => ["factor"],
                "llama3" => ["factor", Original, "low_freq_factor", "high_freq_factor"],
                _ => KnownKeys,
            };
            string[] unused = [.. rope.Keys.Except(["finetuned", Base, Type, OldType, "partial_rotary_factor", .. used])
                .Where(k => rope[k] is not null)];
            if (unused.Length == 0) continue;
            var why = TypeOf(rope) is { } named ? $"holds what {Type} {named} does not use"
                : $"names no {Type}, so that nothing uses";
            yield return $"\"{config.Path}\": {key} {why}: {string.Join(", ", unused.Select(rope.Shown))}; positions "
                + $"are computed without, as by Transformers 5.";
        }
    }

    /// <summary>Writes them in the spelling that both versions read.</summary>
    public static void Write(JsonObject json, double frequencyBase, RopeScaling? scaling)
    {
        json[Base] = frequencyBase;
        if (scaling is null) return;
        var rope = new JsonObject { [Type] = NameOf(scaling.Kind), ["factor"] = scaling.Factor };
        if (scaling.Kind != RopeScalingKind.Linear && scaling.OriginalContext is { } original)
            rope[Original] = original;
        if (scaling.Kind == RopeScalingKind.Llama3)
        {
            rope["low_freq_factor"] = scaling.LowFrequencyFactor;
            rope["high_freq_factor"] = scaling.HighFrequencyFactor;
        }
        if (scaling.Kind == RopeScalingKind.Yarn)
        {
            if (scaling.AttentionFactor is { } attention) rope["attention_factor"] = attention;
            if (scaling.MagnitudeScale is { } scale) rope["mscale"] = scale;
            if (scaling.MagnitudeScaleAllDimensions is { } all) rope["mscale_all_dim"] = all;
            rope["beta_fast"] = scaling.FastTurns;
            rope["beta_slow"] = scaling.SlowTurns;
            rope["truncate"] = scaling.Truncate;
        }
        json["rope_scaling"] = rope;
    }

    private static void RequireKnown(string key, ConfigValues rope)
    {
        if (rope.Keys.FirstOrDefault(k => !KnownKeys.Contains(k)) is { } unknown)
            throw rope.Error($"{key} holds {rope.Shown(unknown)}, which is not supported; known are "
                + $"{string.Join(", ", KnownKeys[1..])}");
        if (rope.Or("partial_rotary_factor", 1.0) != 1)
            throw rope.Error($"{rope.Shown("partial_rotary_factor")} is not supported; supported is 1");
        if (rope[Type] is not null && rope[OldType] is not null
            && rope.Required<string>(Type) != rope.Required<string>(OldType))
            throw rope.Error($"{rope.Shown(Type)} and {rope.Shown(OldType)} contradict each other; remove one");
    }

    // The method's name; null if none is given.
    private static string? TypeOf(ConfigValues rope) => rope.Or<string?>(Type, null) ?? rope.Or<string?>(OldType, null);

    private static RopeScaling? Scaling(ConfigValues config, ConfigValues rope)
    {
        var name = TypeOf(rope) ?? Default;
        if (name == Default) return null;
        var original = rope.Optional<int>(Original) ?? config.Optional<int>(Original);
        return name switch
        {
            "linear" => new RopeScaling { Kind = RopeScalingKind.Linear, Factor = rope.Required<double>("factor") },
            "llama3" => new RopeScaling
            {
                Kind = RopeScalingKind.Llama3,
                Factor = rope.Required<double>("factor"),
                LowFrequencyFactor = rope.Required<double>("low_freq_factor"),
                HighFrequencyFactor = rope.Required<double>("high_freq_factor"),
                OriginalContext = original,
            },
            "yarn" => Yarn(config, rope, original),
            _ => throw config.Error($"{Type} \"{name.Shown()}\" is not supported; supported are {Default}, "
                + $"{string.Join(", ", Enum.GetValues<RopeScalingKind>().Select(NameOf))}"),
        };
    }

    private static RopeScaling Yarn(ConfigValues config, ConfigValues rope, int? original)
    {
        var defaults = new RopeScaling();
        // Transformers computes an attention factor from the scales only if both are present and not 0.
        var (scale, all) = (rope.Or("mscale", 0.0), rope.Or("mscale_all_dim", 0.0));
        var both = scale != 0 && all != 0;
        return new RopeScaling
        {
            Kind = RopeScalingKind.Yarn,
            Factor = rope.Optional<double>("factor") ?? (original is { } o && o > 0
                ? config.Required<double>("max_position_embeddings") / o
                : rope.Required<double>("factor")),
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
