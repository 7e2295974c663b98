namespace Crosshead.Evaluation.Scoring;

/// <summary>How far a comparison has come. Each model predicts all tokens once, the reference first.</summary>
/// <param name="Predicted">Tokens predicted by now, of both models.</param>
/// <param name="Total">Twice the tokens of the text.</param>
public readonly record struct DivergenceProgress(long Predicted, long Total);
