namespace Crosshead.Compression.Search;

/// <summary>The measured pieces of one layer.</summary>
/// <param name="Layer">Index of the layer.</param>
/// <param name="Keys">The pieces of the keys, for every size that was tried.</param>
/// <param name="Values">The pieces of the values, for every size that was tried.</param>
public sealed record LayerProfile(int Layer, IReadOnlyList<ProfiledPiece> Keys, IReadOnlyList<ProfiledPiece> Values);
