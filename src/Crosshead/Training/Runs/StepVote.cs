using System.Runtime.InteropServices;

namespace Crosshead.Training.Runs;

/// <summary>What a rank tells the others after a step.</summary>
/// <param name="Stop">Whether it was asked to stop.</param>
/// <param name="TimeIsUp">Whether the time limit is reached by its clock.</param>
/// <param name="LogFailed">Whether the step could not be logged.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct StepVote(bool Stop, bool TimeIsUp, bool LogFailed);
