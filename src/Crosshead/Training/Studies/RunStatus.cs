namespace Crosshead.Training.Studies;

/// <summary>How far a training run has come.</summary>
public enum RunStatus
{
    /// <summary>It has not begun.</summary>
    Waiting,

    /// <summary>It was stopped before its last step and can go on.</summary>
    Interrupted,

    /// <summary>It took all its steps.</summary>
    Finished,

    /// <summary>Its loss was not finite, or rose and did not come back.</summary>
    Diverged,

    /// <summary>It ended for another reason: no memory, a crash, options that do not fit its variant.</summary>
    Failed,
}
