using System.Globalization;

namespace Crosshead.Runtime;

/// <summary>A number of threads and its reason.</summary>
/// <param name="Count">Threads, at least 1.</param>
/// <param name="Reason">The reason, as a phrase.</param>
public sealed record ThreadChoice(int Count, string Reason)
{
    /// <summary>
    /// Maximum number of threads per core. More than one per core is useful only for measuring its cost.
    /// </summary>
    public const int MostPerCore = 4;

    /// <summary>libtorch's own variable, used if no setting of Crosshead exists.</summary>
    internal const string OpenMpVariable = "OMP_NUM_THREADS";

    /// <summary>
    /// Chooses the requested number, otherwise <c>CROSSHEAD_THREADS</c>, otherwise <c>OMP_NUM_THREADS</c>, otherwise
    /// one thread per core.
    /// </summary>
    /// <param name="asked">The requested number; null for none.</param>
    /// <param name="variable">Reads an environment variable.</param>
    /// <param name="limits">The cores that the process may use.</param>
    /// <exception cref="CrossheadException">The number, or that of <c>CROSSHEAD_THREADS</c>, is out of
    /// range.</exception>
    internal static ThreadChoice Of(int? asked, Func<string, string?> variable, ProcessorLimits limits)
    {
        var most = limits.Cores * MostPerCore;
        var range = $"from 1 to {most}, which is {MostPerCore} for each core that this process may use";
        if (asked is { } count)
            return count >= 1 && count <= most ? new(count, MessageTerm.Threads)
                : throw new CrossheadException($"{MessageTerm.Threads} ({count}) must be {range}; use "
                    + $"{limits.Cores}, one for each core, or leave it out.");
        if (variable(ComputeThreads.Variable) is { Length: > 0 } text)
            return Whole(text) is { } named && named >= 1 && named <= most ? new(named, ComputeThreads.Variable)
                : throw new CrossheadException(
                    $"{ComputeThreads.Variable} (\"{text}\") must be a whole number {range}; correct it or unset it.");
        // A list also names the threads of nested loops, which do not occur here.
        if (variable(OpenMpVariable)?.Split(',')[0] is { } first && Whole(first) is { } openMp && openMp >= 1)
            return new(Math.Min(openMp, most), OpenMpVariable);
        return new(limits.Cores, limits.Description);
    }

    private static int? Whole(string text) =>
        int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
}
