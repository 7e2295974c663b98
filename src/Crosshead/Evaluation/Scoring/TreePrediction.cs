namespace Crosshead.Evaluation.Scoring;

/// <summary>A question about a tree: whether these nodes are followed by these tokens.</summary>
/// <param name="Request">Number of the request.</param>
/// <param name="Nodes">The node before each token of the continuation.</param>
/// <param name="Targets">The continuation.</param>
internal sealed record TreePrediction(int Request, int[] Nodes, int[] Targets);
