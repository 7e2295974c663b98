namespace Crosshead.TextModels;

/// <summary>Time and memory of a run.</summary>
/// <param name="PromptTokens">Number of tokens of all prompts.</param>
/// <param name="PrefillSeconds">Seconds to compute the prompts.</param>
/// <param name="NewTokens">Number of tokens generated in all sequences.</param>
/// <param name="DecodeSteps">Number of steps after the prompts; each step gives every running sequence a token.</param>
/// <param name="DecodedTokens">Number of tokens computed in these steps.</param>
/// <param name="DecodeSeconds">Seconds of these steps, including drawing and text.</param>
/// <param name="CacheBytes">Bytes of cache at the end.</param>
public sealed record GenerationStatistics(
    long PromptTokens, double PrefillSeconds, long NewTokens, long DecodeSteps, long DecodedTokens,
    double DecodeSeconds, long CacheBytes)
{
    /// <summary>Prompt tokens per second.</summary>
    public double PrefillTokensPerSecond => PrefillSeconds > 0 ? PromptTokens / PrefillSeconds : 0;

    /// <summary>New tokens per second after the prompts, for all sequences together.</summary>
    public double DecodeTokensPerSecond => DecodeSeconds > 0 ? DecodedTokens / DecodeSeconds : 0;
}
