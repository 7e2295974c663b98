using System.Threading.Channels;

namespace Crosshead.Serving;

/// <summary>A request that an engine has accepted, and its answers.</summary>
public abstract class EngineCall
{
    /// <summary>
    /// The events of all choices, in order. The channel ends when all choices have ended; it ends with a
    /// <see cref="CrossheadException"/> if the engine failed. While its reader is far behind, the call's choices
    /// pause.
    /// </summary>
    public abstract ChannelReader<EngineEvent> Events { get; }

    /// <summary>Number of tokens of the prompt.</summary>
    public abstract int PromptTokens { get; }

    /// <summary>Number of prompt tokens that were found computed; known when the first event is there.</summary>
    public abstract int CachedTokens { get; }

    /// <summary>
    /// Log-probabilities of the prompt's tokens from the second on; known when the first event is there. Null if they
    /// were not asked for.
    /// </summary>
    public abstract IReadOnlyList<TokenLogprob>? PromptLogprobs { get; }

    /// <summary>The seed in use, given or drawn.</summary>
    public abstract long Seed { get; }

    /// <summary>When the call's phases began and ended.</summary>
    public abstract CallTimes Times { get; }

    /// <summary>
    /// Ends the call, whatever its state: queued, in its prompt, or decoding. Open choices end with
    /// <see cref="Generation.StopReason.Cancelled"/>, and its pages are free after the next step.
    /// </summary>
    public abstract void Cancel();
}
