namespace Crosshead.Data.Recall;

/// <summary>What texts are for. Texts of different purposes are drawn apart, whatever their seeds.</summary>
public enum RecallPurpose
{
    /// <summary>Training.</summary>
    Training,

    /// <summary>Probes during training.</summary>
    Probe,

    /// <summary>Evaluation tasks.</summary>
    Evaluation,
}
