namespace Crosshead.Evaluation.Scoring;

/// <summary>How two models predict the tokens of one window of text, a number per token in each list.</summary>
/// <param name="Model">log p of the token by the model, in nats.</param>
/// <param name="Reference">log p of the token by the reference, in nats.</param>
/// <param name="Divergence">Kullback-Leibler divergence of the model's distribution from the reference's, in
/// nats.</param>
/// <param name="SameTop">Whether both find the same token most likely.</param>
internal sealed record WindowDivergence(double[] Model, double[] Reference, double[] Divergence, bool[] SameTop)
{
    /// <summary>Number of tokens.</summary>
    public int Count => Divergence.Length;
}
