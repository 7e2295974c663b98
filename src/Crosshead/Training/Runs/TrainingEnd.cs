namespace Crosshead.Training.Runs;

/// <summary>Why a run ended.</summary>
public enum TrainingEnd
{
    /// <summary>All steps were taken.</summary>
    Completed,

    /// <summary>It was asked to stop; its state is saved.</summary>
    Interrupted,

    /// <summary>Its time was up.</summary>
    TimeLimit,
}
