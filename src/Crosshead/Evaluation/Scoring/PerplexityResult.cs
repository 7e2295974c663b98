namespace Crosshead.Evaluation.Scoring;

/// <summary>How well a model predicts a text.</summary>
/// <param name="LogLikelihood">Σ log p of the text's tokens, in nats.</param>
/// <param name="Tokens">Tokens predicted.</param>
/// <param name="Bytes">Bytes of the text in UTF-8.</param>
/// <param name="Words">Words of the text, split at white space.</param>
public sealed record PerplexityResult(double LogLikelihood, long Tokens, long Bytes, long Words)
{
    /// <summary>Bits per byte of text: comparable between tokenizers.</summary>
    public double BitsPerByte => -LogLikelihood / Bytes / Math.Log(2);

    /// <summary>exp of the mean loss per token.</summary>
    public double TokenPerplexity => Math.Exp(-LogLikelihood / Tokens);

    /// <summary>exp of the mean loss per byte.</summary>
    public double BytePerplexity => Math.Exp(-LogLikelihood / Bytes);

    /// <summary>exp of the mean loss per word.</summary>
    public double WordPerplexity => Math.Exp(-LogLikelihood / Words);
}
