namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>The codes that stand for zero: a stored number for each scale, one number for all, or their sum.</summary>
/// <param name="Offset">The number for all.</param>
/// <param name="Stored">The stored numbers, as many as scales; null for none.</param>
internal sealed record ZeroPoints(int Offset, StoredNumbers? Stored = null);
