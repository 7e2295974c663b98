namespace Crosshead.Evaluation.Scoring;

/// <summary>How likely a model finds a continuation.</summary>
/// <param name="LogLikelihood">Σ log p of the continuation's tokens, in nats.</param>
/// <param name="Greedy">Whether each token of the continuation is the model's first choice.</param>
public readonly record struct RequestScore(double LogLikelihood, bool Greedy);
