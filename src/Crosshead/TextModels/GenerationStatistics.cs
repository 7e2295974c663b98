namespace Crosshead.TextModels;

/// <summary>Time and memory of a run.</summary>
/// <param name="PromptTokens">Number of tokens of all prompts that have begun.</param>
/// <param name="PrefillSeconds">Seconds to compute the prompts. A step that also computes answers counts for both, in
/// proportion to their tokens.</param>
/// <param name="NewTokens">Number of tokens generated in all sequences.</param>
/// <param name="DecodeSteps">Number of steps that computed answers; each gives every running answer a token.</param>
/// <param name="DecodedTokens">Number of tokens of answers computed in these steps.</param>
/// <param name="DecodeSeconds">Seconds to compute the answers, including drawing and text.</param>
/// <param name="CacheBytes">Most bytes of cache in use.</param>
public sealed record GenerationStatistics(
    long PromptTokens, double PrefillSeconds, long NewTokens, long DecodeSteps, long DecodedTokens,
    double DecodeSeconds, long CacheBytes)
{
    /// <summary>Prompt tokens per second.</summary>
    public double PrefillTokensPerSecond => PrefillSeconds > 0 ? PromptTokens / PrefillSeconds : 0;

    /// <summary>New tokens per second after the prompts, for all sequences together.</summary>
    public double DecodeTokensPerSecond => DecodeSeconds > 0 ? DecodedTokens / DecodeSeconds : 0;
}
