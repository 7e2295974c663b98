namespace Crosshead.Compression;

/// <summary>The sizes of one layer's cache; a layer of which neither is given stays as it is.</summary>
/// <param name="Method">How the components are fitted.</param>
/// <param name="KeyComponents">Key components of width d; null for whole key heads.</param>
/// <param name="ValueRank">Value numbers; null for whole value heads.</param>
public sealed record LayerPlan(CompressionMethod Method, int? KeyComponents, int? ValueRank);
