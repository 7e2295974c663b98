namespace Crosshead.Compression.Search;

/// <summary>The pieces of one layer.</summary>
/// <param name="Layer">Index of the layer.</param>
/// <param name="Keys">Every size of the keys that was tried.</param>
/// <param name="Values">Every size of the values that was tried.</param>
public sealed record LayerProfile(int Layer, IReadOnlyList<ProfiledPiece> Keys, IReadOnlyList<ProfiledPiece> Values);
