namespace Crosshead.Reports.Pages;

/// <summary>How a training run ended.</summary>
public enum RunStatus
{
    /// <summary>It has not begun.</summary>
    Waiting,

    /// <summary>It was ended before its last step, by the user or by a time limit.</summary>
    Stopped,

    /// <summary>It did all its steps.</summary>
    Finished,

    /// <summary>Its loss was not finite, or rose and did not come back.</summary>
    Diverged,

    /// <summary>It could not go on for another reason: no memory, a crash, options that do not fit.</summary>
    Failed,
}
