namespace Crosshead.Training.Studies;

/// <summary>The status of a training run.</summary>
public enum RunStatus
{
    /// <summary>The run has not begun.</summary>
    Waiting,

    /// <summary>The run stopped before its last step and can be resumed.</summary>
    Interrupted,

    /// <summary>The run took all its steps.</summary>
    Finished,

    /// <summary>The loss was not finite, or rose and did not come down again.</summary>
    Diverged,

    /// <summary>
    /// The run ended for another reason: too little memory, a crash, or options that do not fit the variant.
    /// </summary>
    Failed,
}
