namespace Crosshead.Training.Logging;

/// <summary>A place where a training run writes what each step measured.</summary>
public interface ITrainingLog : IDisposable
{
    /// <summary>Writes one step; when it returns, the record survives the end of this process.</summary>
    /// <exception cref="CrossheadException">The record cannot be written, as when the disk is full.</exception>
    void Write(TrainingStepRecord record);
}
