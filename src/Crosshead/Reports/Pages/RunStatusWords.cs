using Crosshead.Training.Studies;

namespace Crosshead.Reports.Pages;

/// <summary>Writes the status of a run for readers.</summary>
public static class RunStatusWords
{
    /// <summary>Returns the status in one or two words.</summary>
    public static string InWords(this RunStatus status) => status switch
    {
        RunStatus.Waiting => "not begun",
        RunStatus.Interrupted => "stopped early",
        RunStatus.Finished => "finished",
        RunStatus.Failed => "failed",
        _ => "diverged",
    };
}
