namespace Crosshead.TextModels;

/// <summary>A document that a model has drawn.</summary>
/// <param name="Ids">Its tokens; empty if it has no text.</param>
/// <param name="Cut">Whether it is longer than may be.</param>
/// <param name="Drawn">Number of tokens that were reported as in progress.</param>
internal readonly record struct DrawnDocument(int[] Ids, bool Cut, int Drawn);
