namespace Crosshead.Generation;

/// <summary>
/// The memory in which a token is drawn. Samplers that draw one after the other share it, so that a sequence needs
/// little memory of its own, however large the vocabulary is.
/// </summary>
/// <param name="vocabularySize">Number of logits.</param>
internal sealed class SamplerScratch(int vocabularySize)
{
    /// <summary>Logits after masks and penalties [V].</summary>
    public float[] Scores { get; } = new float[vocabularySize];

    /// <summary>The tokens still in the draw.</summary>
    public Candidates Candidates { get; } = new(vocabularySize);
}
