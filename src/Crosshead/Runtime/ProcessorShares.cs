using System.Globalization;

namespace Crosshead.Runtime;

/// <summary>
/// The processors of this machine, shared out among ranks. Each rank has as many, and they lie together: threads of
/// one core, cores of one package.
/// </summary>
public static class ProcessorShares
{
    /// <summary>The shares.</summary>
    /// <param name="ranks">Number of ranks.</param>
    /// <returns>The numbers of each rank's processors; null if there are more ranks than processors, or if the system
    /// does not say which ones this process may run on.</returns>
    public static IReadOnlyList<int[]>? Of(int ranks) => Of(ranks, "/");

    /// <summary>Does some work. What it starts runs on some processors alone, if the system allows that.</summary>
    /// <param name="processors">Their numbers; null for those of this process.</param>
    /// <param name="work">What is done, on this thread.</param>
    public static void Start(int[]? processors, Action work)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (processors is null || NativeProcess.Processors() is not { } before)
        {
            work();
            return;
        }
        NativeProcess.RunOn(NativeProcess.ProcessorMask(processors));
        try
        {
            work();
        }
        finally
        {
            NativeProcess.RunOn(before);
        }
    }

    /// <summary>The same of any system.</summary>
    /// <param name="ranks">Number of ranks.</param>
    /// <param name="root">The folder of <c>proc</c> and <c>sys</c>.</param>
    internal static IReadOnlyList<int[]>? Of(int ranks, string root)
    {
        if (ProcessorLimits.Allowed(root) is not { } allowed || allowed.Count < ranks) return null;
        var together = allowed.OrderBy(p => Place(p, "physical_package_id")).ThenBy(p => Place(p, "core_id"))
            .ThenBy(p => p);
        return [.. together.Chunk(allowed.Count / ranks).Take(ranks)];

        int Place(int processor, string what) =>
            int.TryParse(SystemFile.Lines(root, $"sys/devices/system/cpu/cpu{processor}/topology/{what}")
                .FirstOrDefault(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var place) ? place
            : 0;
    }
}
