using System.Text;

namespace Crosshead.Evaluation.Scoring;

/// <summary>How well a model predicts a text.</summary>
/// <param name="LogLikelihood">Σ log p of the text's tokens, in nats.</param>
/// <param name="Tokens">Tokens predicted.</param>
/// <param name="Bytes">Bytes of the text in UTF-8.</param>
/// <param name="Words">Words of the text, split at white space.</param>
public sealed record PerplexityResult(double LogLikelihood, long Tokens, long Bytes, long Words)
{
    /// <summary>The result for a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="tokens">Number of its tokens.</param>
    /// <param name="logLikelihood">Σ log p of the tokens, in nats.</param>
    internal static PerplexityResult Of(string text, long tokens, double logLikelihood) =>
        new(logLikelihood, tokens, Encoding.UTF8.GetByteCount(text),
            text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length);

    /// <summary>Bits per byte of text: comparable between tokenizers.</summary>
    public double BitsPerByte => -LogLikelihood / Bytes / Math.Log(2);

    /// <summary>exp of the mean loss per token.</summary>
    public double TokenPerplexity => Math.Exp(-LogLikelihood / Tokens);

    /// <summary>exp of the mean loss per byte.</summary>
    public double BytePerplexity => Math.Exp(-LogLikelihood / Bytes);

    /// <summary>exp of the mean loss per word.</summary>
    public double WordPerplexity => Math.Exp(-LogLikelihood / Words);
}
