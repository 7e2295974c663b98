using Crosshead.Training.Studies;

namespace Crosshead.Reports.Pages;

/// <summary>How a run's end is written for readers.</summary>
public static class RunStatusWords
{
    /// <summary>In a word or two.</summary>
    public static string InWords(this RunStatus status) => status switch
    {
        RunStatus.Waiting => "not begun",
        RunStatus.Interrupted => "stopped early",
        RunStatus.Finished => "finished",
        RunStatus.Failed => "failed",
        _ => "diverged",
    };
}
