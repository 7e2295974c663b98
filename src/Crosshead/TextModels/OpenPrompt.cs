using Crosshead.Generation;
using Crosshead.Serving;

namespace Crosshead.TextModels;

/// <summary>A prompt that an engine continues.</summary>
/// <param name="index">Its number.</param>
/// <param name="call">What the engine does for it.</param>
/// <param name="atLimit">Why it ends when the engine draws no more.</param>
internal sealed class OpenPrompt(int index, EngineCall call, StopReason atLimit)
{
    /// <summary>Its number.</summary>
    public int Index => index;

    /// <summary>Number of its tokens that were drawn.</summary>
    public int Count { get; private set; }

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Takes its next token, if it is there.</summary>
    /// <exception cref="CrossheadException">It has failed.</exception>
    public bool TryRead(out GeneratedToken token)
    {
        if (!call.Events.TryRead(out var step))
        {
            if (!HasEnded && call.Events.Completion is { IsCompleted: true } end) end.GetAwaiter().GetResult();
            token = default;
            return false;
        }
        if (step.Id >= 0) Count++;
        HasEnded = step.Stop is not null;
        token = new GeneratedToken(index, step.Id, step.Text, step.Stop is StopReason.Length ? atLimit : step.Stop);
        return true;
    }
}
