namespace Crosshead.Generation;

/// <summary>Time and memory of a run.</summary>
/// <param name="PromptTokens">Tokens of all prompts.</param>
/// <param name="PrefillSeconds">Seconds to compute them.</param>
/// <param name="NewTokens">Tokens generated in all sequences.</param>
/// <param name="DecodeSteps">Steps after the prompts; each gives every running sequence a token.</param>
/// <param name="DecodedTokens">Tokens of running sequences computed in those steps.</param>
/// <param name="DecodeSeconds">Seconds of those steps, drawing and text included.</param>
/// <param name="CacheBytes">Bytes kept of past tokens at the end.</param>
public sealed record GenerationStatistics(
    long PromptTokens, double PrefillSeconds, long NewTokens, long DecodeSteps, long DecodedTokens,
    double DecodeSeconds, long CacheBytes)
{
    /// <summary>Prompt tokens per second.</summary>
    public double PrefillTokensPerSecond => PrefillSeconds > 0 ? PromptTokens / PrefillSeconds : 0;

    /// <summary>New tokens per second after the prompts, for all sequences together.</summary>
    public double DecodeTokensPerSecond => DecodeSeconds > 0 ? DecodedTokens / DecodeSeconds : 0;
}
