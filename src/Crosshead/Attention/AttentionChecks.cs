using Crosshead.Attention.Composition;

namespace Crosshead.Attention;

/// <summary>Checks that the numbers of an attention layer fit each other.</summary>
internal static class AttentionChecks
{
    /// <summary>Checks options.</summary>
    /// <exception cref="CrossheadException">They do not fit; the message names both values and the
    /// remedy.</exception>
    public static void Run(AttentionOptions o)
    {
        OptionRange.Check(o);
        OptionRange.RequireNamed(o.Variant, "variant");
        OptionRange.RequireNamed(o.KeyGrain, "keyGrain");
        OptionRange.RequireNamed(o.ValueGrain, "valueGrain");
        OptionRange.RequireNamed(o.Compose, "compose");
        OptionRange.RequireNamed(o.MixStart, "mixStart");
        OptionRange.RequireNamed(o.HeadNorm, "headNorm");
        OptionRange.RequireNamed(o.QueryKeyNormSpan, "queryKeyNormSpan");
        if (o.Heads % o.Groups != 0)
            throw new CrossheadException($"heads ({o.Heads}) must be a multiple of keyValueHeads ({o.Groups}); use "
                + $"{NearestDivisors(o.Heads, o.Groups)}.");
        if (o.HeadDim is { } d && d % 2 != 0)
            throw new CrossheadException(
                $"headDim ({d}) must be even, because rotary embedding turns pairs; use {d + 1}.");
        CheckComponents(o);
        if (o.QueryKeyNorm && o.Variant is not (AttentionVariant.Gqa or AttentionVariant.MeaNoNorm))
            throw new CrossheadException($"queryKeyNorm is for the variants gqa and mea-no-norm, not for "
                + $"{o.Variant.NameOf()}; set it to false.");
        if (!o.QueryKeyNorm && (o.QueryKeyNormSpan != QueryKeyNormSpan.Head || o.QueryKeyNormOffset != 0))
            throw new CrossheadException("queryKeyNormSpan and queryKeyNormOffset are set, but queryKeyNorm is false; "
                + "remove them, or set it to true.");
        if (o.ScoreCap is not null && !AttentionFactory.TraitsOf(o.Variant).HasComponents)
            throw new CrossheadException(
                $"scoreCap ({o.ScoreCap}) is not supported for the variant {o.Variant.NameOf()}; remove it.");
        if (o.Sinks && o.Variant is AttentionVariant.TalkingHeads or AttentionVariant.Differential)
            throw new CrossheadException($"sinks are not for the variant {o.Variant.NameOf()}; set sinks to false.");
        o.Latent?.Validate(o);
        if (!double.IsFinite(o.HeadNormStart))
            throw new CrossheadException(
                $"headNormStart ({o.HeadNormStart}) must be a finite number; the default is 0.05.");
        AttentionFactory.TraitsOf(o.Variant).Check(o);
    }

    private static void CheckComponents(AttentionOptions o)
    {
        if (!o.Composes && (o.KeyComponents ?? o.ValueComponents) is { } c)
            throw new CrossheadException($"keyComponents and valueComponents ({c}) belong to the variants mea and "
                + $"mea-no-norm, not to this one; remove them.");
        if (o.KeyComponents is not null) Require(o.ComposesKeys, "keyComponents", "keys");
        if (o.ValueComponents is not null) Require(o.ComposesValues, "valueComponents", "values");
        if (o.KeyGrain != KeyGrain.Head && !(o.ComposesKeys && o.ProjectedKeyHeads < o.Groups * o.Ranks))
            throw new CrossheadException($"keyGrain {o.KeyGrain.ToString().ToLowerInvariant()} needs keys composed of "
                + $"fewer components than heads; set keyComponents to at most {o.Groups - 1} with the variant mea or "
                + "mea-no-norm, or keyGrain to head.");
        if (o.ValueGrain == ValueGrain.Dense != o.ValueRank.HasValue)
            throw new CrossheadException($"valueGrain ({(o.ValueRank.HasValue ? "head" : "dense")}) and valueRank "
                + $"({o.ValueRank?.ToString() ?? "null"}) belong together: a rank with the grain dense, none with "
                + $"the grain head.");
        if (o.ValueRank is not null) Require(o.ComposesValues, "valueRank", "values");
        if (o.ValueRank is not null && o.ValueComponents is not null)
            throw new CrossheadException($"valueRank ({o.ValueRank}) and valueComponents ({o.ValueComponents}) are "
                + "both set; the grain dense takes valueRank alone.");
    }

    private static void Require(bool composed, string name, string part)
    {
        if (!composed)
            throw new CrossheadException($"{name} is set, but compose leaves the {part} alone; set compose to \"both\" "
                + $"or \"{part}\", or remove {name}.");
    }

    /// <summary>The divisors of a number, in order; of many those around another number.</summary>
    public static string NearestDivisors(int number, int around)
    {
        const int shown = 8;
        var divisors = Enumerable.Range(1, number).Where(n => number % n == 0).OrderBy(n => Math.Abs((long)n - around))
            .Take(shown).Order().ToArray();
        return $"{string.Join(", ", divisors[..^1])}{(divisors.Length > 1 ? " or " : "")}{divisors[^1]}";
    }
}
