namespace Crosshead.Checkpoints.Gguf;

/// <summary>The rotary positions of an architecture's layers with a window.</summary>
internal enum GgufWindowRotary
{
    /// <summary>Those of the other layers.</summary>
    Usual,

    /// <summary>The base of the other layers, without their scaling.</summary>
    Unscaled,

    /// <summary>A base of their own, without scaling.</summary>
    OwnBase,
}
