using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Layers;
using Crosshead.Model;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>
/// Rotary positions in <c>config.json</c>: Transformers 4 writes <c>rope_theta</c> and <c>rope_scaling</c>,
/// Transformers 5 <c>rope_parameters</c> with both in it.
/// </summary>
internal static class RopeConfig
{
    /// <summary>The key of the part of each head that is rotated.</summary>
    public const string PartialKey = "partial_rotary_factor";

    private const string Full = "full_attention", Window = "sliding_attention", WindowBase = "rope_local_base_freq",
        Growth = "llama_4_scaling_beta", ShortFactors = "short_factor", LongFactors = "long_factor";

    private const string Base = "rope_theta", Type = "rope_type", OldType = "type", Default = "default",
        Original = "original_max_position_embeddings";

    private static readonly string[] Objects = ["rope_parameters", "rope_scaling"];

    // All keys except the first two and the last one change the angles, so an unknown key cannot be ignored.
    private static readonly string[] KnownKeys =
    [
        "finetuned", Base, Type, OldType, "factor", Original, "low_freq_factor", "high_freq_factor", "attention_factor",
        "mscale", "mscale_all_dim", "beta_fast", "beta_slow", "truncate", PartialKey, ShortFactors, LongFactors, Growth,
        "max_position_embeddings",
    ];

    /// <summary>
    /// Reads the base and the scaling, and those of layers with a window, which are null where they are the same.
    /// </summary>
    /// <param name="config">The configuration.</param>
    /// <param name="family">Its family.</param>
    /// <param name="own">Whether it has the keys of <c>crosshead</c>, and not those of the family.</param>
    /// <exception cref="CrossheadException">The method is not supported, lacks a number, or the two spellings
    /// contradict each other.</exception>
    public static (double Base, RopeScaling? Scaling, RotaryOptions? Window) Read(ConfigValues config,
        FamilyConfig family, bool own)
    {
        if (own)
        {
            var (theta, scaling) = Flat(config, family, own);
            return (theta, scaling,
                ModelConfigReader.Own<RotaryOptions>(config, ConfigJson.WindowRotary, ConfigJson.AttentionStyle));
        }
        if (family.WindowRopeBase is not { } windowBase)
        {
            var (theta, scaling) = Flat(config, family, own);
            return (theta, scaling, null);
        }
        var types = config.Child(Objects[0]) is { } rope && rope.Keys.Any(k => k is Full or Window) ? rope : null;
        var (usual, ofFull) = types is null ? Flat(config, family, own)
            : OfType(config, types, Full, family, family.RopeBase);
        var (local, ofWindow) = types is null ? (config.Or(WindowBase, windowBase), null)
            : OfType(config, types, Window, family, windowBase);
        return (usual, ofFull, local == usual && Equals(ofWindow, ofFull) ? null
            : new RotaryOptions { Base = local, Scaling = ofWindow });
    }

    /// <summary>Width of the part of each head that is rotated; null for all of it.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="family">Its family.</param>
    /// <param name="options">What is read so far.</param>
    /// <exception cref="CrossheadException">The numbers contradict each other.</exception>
    public static int? TurnedOf(ConfigValues config, FamilyConfig family, ModelOptions options)
    {
        if (family.PartialRotary is not { } otherwise) return null;
        // Transformers 5 writes the family's default beside rope_parameters, whatever is in them, and reads the latter.
        var given = Objects.Select(config.Child).Select(c => c?.Optional<double>(PartialKey)).OfType<double>()
            .Distinct().ToArray();
        if (given.Length > 1)
            throw config.Error($"{PartialKey} is given twice, as {given[0]} and as {given[1]}; remove one");
        var turned = (int)(options.HeadDim * (given.Length > 0 ? given[0] : config.Or(PartialKey, otherwise)));
        return turned == options.HeadDim ? null : turned;
    }

    private static (double Base, RopeScaling? Scaling) OfType(ConfigValues config, ConfigValues types, string type,
        FamilyConfig family, double otherwise)
    {
        if (types.Keys.FirstOrDefault(k => k is not (Full or Window)) is { } unknown)
            throw types.Error($"{Objects[0]} holds {types.Shown(unknown)} beside kinds of layers; supported are "
                + $"{Full} and {Window}");
        if (types.Child(type) is not { } rope) return (otherwise, null);
        RequireKnown($"{Objects[0]}.{type}", rope, family, own: false);
        return (rope.Or(Base, otherwise), Scaling(config, rope));
    }

    private static (double Base, RopeScaling? Scaling) Flat(ConfigValues config, FamilyConfig family, bool own)
    {
        var found = Objects.Where(key => config[key] is not null)
            .Select(key => (Key: key, Rope: config.Child(key)!)).ToArray();
        foreach (var (key, rope) in found) RequireKnown(key, rope, family, own);
        var scalings = found.Select(f => Scaling(config, f.Rope)).ToArray();
        if (scalings.Any(s => !AreSame(s, scalings[0])))
            throw config.Error(
                $"{string.Join(" and ", Objects.Select(config.Shown))} contradict each other; remove one");

        var bases = found.Select(f => f.Rope.Optional<double>(Base)).Append(config.Optional<double>(Base))
            .OfType<double>().Distinct().ToArray();
        if (bases.Length > 1) throw config.Error($"{Base} is given twice, as {bases[0]} and as {bases[1]}; remove one");
        return (bases.Length > 0 ? bases[0] : family.RopeBase, scalings.FirstOrDefault());
    }

    private static bool AreSame(RopeScaling? one, RopeScaling? other)
    {
        if (one is null || other is null) return one is null && other is null;
        RopeScaling WithoutLists(RopeScaling scaling) => scaling with { ShortFactors = null, LongFactors = null };
        return WithoutLists(one) == WithoutLists(other)
            && (one.ShortFactors ?? []).SequenceEqual(other.ShortFactors ?? [])
            && (one.LongFactors ?? []).SequenceEqual(other.LongFactors ?? []);
    }

    /// <summary>Numbers of a scaling that its method does not use. Transformers 5 warns and continues.</summary>
    public static IEnumerable<string> Remarks(ConfigValues config)
    {
        foreach (var key in Objects.Where(key => config[key] is not null))
        {
            var rope = config.Child(key)!;
            if (rope.Keys.Any(k => k is Full or Window)) continue;
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

    /// <summary>Writes the keys of a family, in the spelling that both versions read where both know it.</summary>
    public static void Write(JsonObject json, ModelOptions options, FamilyConfig family)
    {
        if (family.WindowRopeBase is not null)
        {
            json[Objects[0]] = new JsonObject
            {
                [Full] = Json(options.RotaryOf(RotaryKind.Usual)),
                [Window] = Json(options.RotaryOf(RotaryKind.Window)),
            };
            return;
        }
        WriteFlat(json, options);
        if (family.PartialRotary is not null)
            json[PartialKey] = (options.RotaryDims ?? options.HeadDim) / (double)options.HeadDim;
    }

    /// <summary>Writes the keys of <c>crosshead</c>.</summary>
    public static void WriteOwn(JsonObject json, ModelOptions options)
    {
        WriteFlat(json, options);
        if (options.RotaryDims is { } turned && turned != options.HeadDim) json[ConfigJson.RotaryDims] = turned;
        if (options.WindowRotary is { } window)
            json[ConfigJson.WindowRotary] = JsonSerializer.SerializeToNode(window, ConfigJson.AttentionStyle);
        if (options.UnrotatedLayers is { Count: > 0 } layers)
            json[ConfigJson.UnrotatedLayers] = new JsonArray([.. layers.Select(i => (JsonNode)i)]);
    }

    /// <summary>
    /// Puts base and scaling, as <see cref="WriteOwn"/> writes them, into one object, as only Transformers 5 knows it.
    /// </summary>
    public static void Gather(JsonObject json)
    {
        var rope = json[Objects[1]]?.DeepClone().AsObject() ?? new JsonObject { [Type] = Default };
        rope[Base] = json[Base]?.DeepClone();
        json.Remove(Base);
        json.Remove(Objects[1]);
        json[Objects[0]] = rope;
    }

    private static void WriteFlat(JsonObject json, ModelOptions options)
    {
        json[Base] = options.RopeBase;
        if (options.RopeScaling is { } scaling) json[Objects[1]] = Json(scaling);
    }

    private static JsonObject Json(RotaryOptions rotary)
    {
        var rope = rotary.Scaling is { } scaling ? Json(scaling) : new JsonObject { [Type] = Default };
        rope[Base] = rotary.Base;
        return rope;
    }

    private static JsonObject Json(RopeScaling scaling)
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

    private static void RequireKnown(string key, ConfigValues rope, FamilyConfig family, bool own)
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

    // The method's name; null if none is given.
    private static string? TypeOf(ConfigValues rope) => rope.Or<string?>(Type, null) ?? rope.Or<string?>(OldType, null);

    private static RopeScaling? Scaling(ConfigValues config, ConfigValues rope)
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
