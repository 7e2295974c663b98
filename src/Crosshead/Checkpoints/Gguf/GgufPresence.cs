namespace Crosshead.Checkpoints.Gguf;

/// <summary>Whether the models of an architecture have a part.</summary>
internal enum GgufPresence
{
    /// <summary>None of them.</summary>
    Never,

    /// <summary>Those whose file has its tensors.</summary>
    Optional,

    /// <summary>All of them.</summary>
    Always,
}
