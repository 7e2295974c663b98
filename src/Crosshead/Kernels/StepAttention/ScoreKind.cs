namespace Crosshead.Kernels.StepAttention;

/// <summary>What kernels know of scores when they are compiled (<c>scores.cuh</c>).</summary>
/// <param name="Capped">Whether scores are capped.</param>
/// <param name="HasSinks">Whether heads have sinks.</param>
internal readonly record struct ScoreKind(bool Capped, bool HasSinks)
{
    /// <summary>The macros.</summary>
    public string[] Defines => [$"CAPPED={(Capped ? 1 : 0)}", $"SINKS={(HasSinks ? 1 : 0)}"];
}
