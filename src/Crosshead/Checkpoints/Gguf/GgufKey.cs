using Crosshead.Model;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>A number that an architecture's files have beside the common ones, and the option that it means.</summary>
/// <param name="Name">The key.</param>
/// <param name="Absent">The number where the key is absent or 0.</param>
/// <param name="Set">Sets the option.</param>
/// <param name="Get">The number.</param>
internal sealed record GgufKey(string Name, double Absent, Func<ModelOptions, double, ModelOptions> Set,
    Func<ModelOptions, double> Get)
{
    /// <summary>A number that multiplies something; 1 where the key is absent.</summary>
    public static GgufKey Multiplier(string name, Func<BlockOptions, double, BlockOptions> set,
        Func<BlockOptions, double> get) =>
        new(name, 1, (options, value) => options with { Block = set(options.Block, value) },
            options => get(options.Block));

    /// <summary>What scores are multiplied by; 1/√d where the key is absent.</summary>
    public static GgufKey ScoreScale { get; } = new("attention.scale", 0,
        (options, value) => options with
        {
            Attention = options.Attention with { ScoreScale = value == 0 ? null : value },
        },
        options => options.Attention.ScoreScale ?? 0);

    /// <summary>The cap of the scores.</summary>
    /// <param name="absent">The cap where the key is absent.</param>
    public static GgufKey ScoreCap(double absent) => new("attn_logit_softcapping", absent,
        (options, value) => options with { Attention = options.Attention with { ScoreCap = value } },
        options => options.Attention.ScoreCap ?? 0);

    /// <summary>The cap of the logits.</summary>
    /// <param name="absent">The cap where the key is absent.</param>
    public static GgufKey LogitCap(double absent) => new("final_logit_softcapping", absent,
        (options, value) => options with { Block = options.Block with { LogitCap = value } },
        options => options.Block.LogitCap ?? 0);

    /// <summary>How queries grow with their positions; not at all where the key is absent.</summary>
    public static GgufKey QueryGrowth { get; } = new("attention.temperature_scale", 0,
        (options, value) => options with
        {
            RopeScaling = value == 0 ? options.RopeScaling
                : (options.RopeScaling ?? new()) with { QueryGrowth = value },
        },
        options => options.RopeScaling?.QueryGrowth ?? 0);
}
