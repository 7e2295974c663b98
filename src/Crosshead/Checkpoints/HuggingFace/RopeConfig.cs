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
    public const string PartialKey = RopeScalingConfig.PartialKey;

    private const string Base = RopeScalingConfig.Base, Full = "full_attention", Window = "sliding_attention",
        WindowBase = "rope_local_base_freq";

    private static readonly string[] Objects = ["rope_parameters", "rope_scaling"];

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
        RopeScalingConfig.RequireKnown($"{Objects[0]}.{type}", rope, family, own: false);
        return (rope.Or(Base, otherwise), RopeScalingConfig.Read(config, rope));
    }

    private static (double Base, RopeScaling? Scaling) Flat(ConfigValues config, FamilyConfig family, bool own)
    {
        var found = Objects.Where(key => config[key] is not null)
            .Select(key => (Key: key, Rope: config.Child(key)!)).ToArray();
        foreach (var (key, rope) in found) RopeScalingConfig.RequireKnown(key, rope, family, own);
        var scalings = found.Select(f => RopeScalingConfig.Read(config, f.Rope)).ToArray();
        if (scalings.Any(s => !RopeScalingConfig.AreSame(s, scalings[0])))
            throw config.Error(
                $"{string.Join(" and ", Objects.Select(config.Shown))} contradict each other; remove one");

        var bases = found.Select(f => f.Rope.Optional<double>(Base)).Append(config.Optional<double>(Base))
            .OfType<double>().Distinct().ToArray();
        if (bases.Length > 1) throw config.Error($"{Base} is given twice, as {bases[0]} and as {bases[1]}; remove one");
        return (bases.Length > 0 ? bases[0] : family.RopeBase, scalings.FirstOrDefault());
    }

    /// <summary>Numbers of a scaling that its method does not use. Transformers 5 warns and continues.</summary>
    public static IEnumerable<string> Remarks(ConfigValues config) =>
        from key in Objects
        where config[key] is not null
        let rope = config.Child(key)!
        where !rope.Keys.Any(k => k is Full or Window)
        let unused = RopeScalingConfig.Unused(key, rope)
        where unused is not null
        select $"\"{config.Path}\": {unused}; positions are computed without, as by Transformers 5.";

    /// <summary>Writes the keys of a family, in the spelling that both versions read where both know it.</summary>
    public static void Write(JsonObject json, ModelOptions options, FamilyConfig family)
    {
        if (family.WindowRopeBase is not null)
        {
            json[Objects[0]] = new JsonObject
            {
                [Full] = RopeScalingConfig.Write(options.RotaryOf(RotaryKind.Usual)),
                [Window] = RopeScalingConfig.Write(options.RotaryOf(RotaryKind.Window)),
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
        var rope = json[Objects[1]]?.DeepClone().AsObject() ?? RopeScalingConfig.None();
        rope[Base] = json[Base]?.DeepClone();
        json.Remove(Base);
        json.Remove(Objects[1]);
        json[Objects[0]] = rope;
    }

    private static void WriteFlat(JsonObject json, ModelOptions options)
    {
        json[Base] = options.RopeBase;
        if (options.RopeScaling is { } scaling) json[Objects[1]] = RopeScalingConfig.Write(scaling);
    }
}
