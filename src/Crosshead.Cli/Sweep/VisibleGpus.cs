using Crosshead.Runtime.Cuda;

namespace Crosshead.Cli.Sweep;

/// <summary>The GPUs that the runs of a sweep are dealt to, each run seeing one alone.</summary>
/// <param name="names">As <see cref="Variable"/> names them.</param>
internal sealed class VisibleGpus(IReadOnlyList<string> names)
{
    /// <summary>The environment variable that says which GPUs a process sees.</summary>
    public const string Variable = "CUDA_VISIBLE_DEVICES";

    /// <summary>
    /// Those that runs on a device may be dealt to: none where the recipe names one, or there is no choice.
    /// </summary>
    /// <param name="device">The recipe's device.</param>
    public static VisibleGpus For(string device) =>
        device is "auto" or "cuda"
        ? Of(Environment.GetEnvironmentVariable(Variable), CudaDevices.All().Count) : new([]);

    /// <summary>The names of devices.</summary>
    /// <param name="visible">What this process was told to see; null for all.</param>
    /// <param name="count">How many devices it does see.</param>
    public static VisibleGpus Of(string? visible, int count)
    {
        if (count < 2) return new([]);
        var told = (visible ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return new([.. Enumerable.Range(0, count).Select(i => i < told.Length ? told[i] : $"{i}")]);
    }

    /// <summary>The GPU with the fewest runs, the first of equals; null where there is no choice.</summary>
    /// <param name="taken">The GPUs of the runs in progress.</param>
    public string? LeastBusy(IEnumerable<string?> taken)
    {
        var runs = taken.ToLookup(gpu => gpu);
        return names.MinBy(name => runs[name].Count());
    }
}
