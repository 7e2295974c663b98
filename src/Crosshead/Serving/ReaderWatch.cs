namespace Crosshead.Serving;

/// <summary>
/// Looks after calls whose reader falls behind: their choices pause, later they give their slots and pages back, and in
/// the end the call is cancelled. No other call waits for a reader longer than a moment.
/// </summary>
/// <param name="options">The limits.</param>
/// <param name="clock">The time.</param>
internal sealed class ReaderWatch(EngineOptions options, TimeProvider clock)
{
    private static readonly TimeSpan s_keepsPages = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_keepsLacking = TimeSpan.FromSeconds(1); // if others lack what it keeps

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
            call.Submission.Full += full ? 1 : -1;
            call.IsParked = false;
        }
        return call.FullSince is { } since && clock.GetElapsedTime(since, now) >= options.StallTimeout;
    }

    /// <summary>Whether a paused call shall give its slots and pages back now; said once.</summary>
    /// <param name="call">The call.</param>
    /// <param name="now">The time.</param>
    /// <param name="lacking">Whether others lack slots or pages.</param>
    public bool ShallGiveBack(ServedCall call, long now, bool lacking)
    {
        if (call.IsParked || call.FullSince is not { } since) return false;
        if (clock.GetElapsedTime(since, now) < (lacking ? s_keepsLacking : s_keepsPages)) return false;
        return call.IsParked = true;
    }

    /// <summary>A call has ended.</summary>
    public static void End(ServedCall call)
    {
        if (call.FullSince is not null) call.Submission.Full--;
        call.FullSince = null;
    }
}
