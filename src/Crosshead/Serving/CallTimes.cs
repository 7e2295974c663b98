namespace Crosshead.Serving;

/// <summary>
/// Phases of a call, by <see cref="System.Diagnostics.Stopwatch"/> ticks; 0 for those not reached yet.
/// </summary>
/// <param name="Arrived">When the engine accepted it.</param>
/// <param name="Started">When the first token of its prompt was computed.</param>
/// <param name="FirstToken">When its first token was drawn.</param>
/// <param name="Ended">When its last choice ended.</param>
public readonly record struct CallTimes(long Arrived, long Started, long FirstToken, long Ended);
