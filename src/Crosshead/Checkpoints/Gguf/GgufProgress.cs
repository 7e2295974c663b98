namespace Crosshead.Checkpoints.Gguf;

/// <summary>How far a GGUF file is written.</summary>
/// <param name="Tensor">The tensor that is written.</param>
/// <param name="Done">Numbers that are written.</param>
/// <param name="Total">Numbers of the model.</param>
public readonly record struct GgufProgress(string Tensor, long Done, long Total);
