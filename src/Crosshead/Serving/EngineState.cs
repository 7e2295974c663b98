namespace Crosshead.Serving;

/// <summary>What an engine does with requests.</summary>
public enum EngineState
{
    /// <summary>It takes requests.</summary>
    Ready,

    /// <summary>It finishes what it has and takes no more.</summary>
    Draining,

    /// <summary>It has ended after a fault; see <see cref="IEngine.Failure"/>.</summary>
    Failed,
}
