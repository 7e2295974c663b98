namespace Crosshead.Checkpoints.Gguf;

/// <summary>What a recipe must know of a model.</summary>
/// <param name="Layers">Number of layers.</param>
/// <param name="Experts">Experts of a layer; 0 without.</param>
/// <param name="IsTied">Whether the embedding is also the head.</param>
internal readonly record struct GgufModelFacts(int Layers, int Experts, bool IsTied);
