namespace Crosshead.Serving;

/// <summary>
/// Looks after calls whose reader falls behind: their choices pause, later they give their pages back, and in the end
/// the call is cancelled. No other call ever waits for a reader.
/// </summary>
/// <param name="options">The limits.</param>
/// <param name="clock">The time.</param>
internal sealed class ReaderWatch(EngineOptions options, TimeProvider clock)
{
    private static readonly TimeSpan s_keepsPages = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Pauses or resumes the choices of a call; says whether its reader has read nothing for too long.
    /// </summary>
    /// <param name="call">The call.</param>
    /// <param name="now">The time.</param>
    public bool HasStalled(ServedCall call, long now)
    {
        var full = call.IsFull;
        if (full != call.FullSince is not null)
        {
            foreach (var choice in call.Open) choice.IsPaused = full;
            call.FullSince = full ? now : null;
            call.IsParked = false;
        }
        return call.FullSince is { } since && clock.GetElapsedTime(since, now) >= options.StallTimeout;
    }

    /// <summary>Whether a paused call shall give its pages back now; said once.</summary>
    /// <param name="call">The call.</param>
    /// <param name="now">The time.</param>
    public bool ShallGiveBack(ServedCall call, long now)
    {
        if (call.IsParked || call.FullSince is not { } since || clock.GetElapsedTime(since, now) < s_keepsPages)
            return false;
        return call.IsParked = true;
    }
}
