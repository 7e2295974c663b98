using Crosshead.Runtime.Cuda;

namespace Crosshead.Cli.Sweep;

/// <summary>Assigns GPUs to the runs of a sweep; each run sees one GPU.</summary>
/// <param name="names">Names of the GPUs, as in <see cref="Variable"/>.</param>
internal sealed class VisibleGpus(IReadOnlyList<string> names)
{
    /// <summary>The environment variable that lists the GPUs that a process sees.</summary>
    public const string Variable = "CUDA_VISIBLE_DEVICES";

    /// <summary>
    /// The GPUs for runs on a device. None if the recipe names one GPU, or if fewer than two are visible.
    /// </summary>
    /// <param name="device">The recipe's device.</param>
    public static VisibleGpus For(string device) =>
        device is "auto" or "cuda"
        ? Of(Environment.GetEnvironmentVariable(Variable), CudaDevices.All().Count) : new([]);

    /// <summary>The GPUs that this process sees; none if there are fewer than two.</summary>
    /// <param name="visible">Value of <see cref="Variable"/>; null for all GPUs.</param>
    /// <param name="count">Number of GPUs that this process sees.</param>
    public static VisibleGpus Of(string? visible, int count)
    {
        if (count < 2) return new([]);
        var told = (visible ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return new([.. Enumerable.Range(0, count).Select(i => i < told.Length ? told[i] : $"{i}")]);
    }

    /// <summary>The GPU with the fewest runs, the first if several are equal; null if there is no choice.</summary>
    /// <param name="taken">The GPUs of the runs in progress.</param>
    public string? LeastBusy(IEnumerable<string?> taken)
    {
        var runs = taken.ToLookup(gpu => gpu);
        return names.MinBy(name => runs[name].Count());
    }
}
