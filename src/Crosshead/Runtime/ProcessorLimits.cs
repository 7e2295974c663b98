using System.Globalization;

namespace Crosshead.Runtime;

/// <summary>The share of the machine's processors that a process may use.</summary>
/// <param name="Affinity">Cores that it may run on.</param>
/// <param name="Quota">Number of cores whose time its control groups grant; null for all.</param>
/// <param name="Ranks">Ranks of one run that divide the processors of this host; <paramref name="Affinity"/> and
/// <paramref name="Quota"/> are this one's share.</param>
internal sealed record ProcessorLimits(int Affinity, double? Quota, int Ranks = 1)
{
    /// <summary>More cores than any machine has.</summary>
    public const int MostCores = 8192;

    private const string AffinityKey = "Cpus_allowed_list:";

    /// <summary>
    /// Number of cores that the process can keep busy: the allowed cores, or the quota rounded up if that is fewer.
    /// </summary>
    public int Cores => Math.Max(1, (int)Math.Min(Affinity, Math.Ceiling(Quota ?? Affinity)));

    /// <summary>The reason for <see cref="Cores"/>, as a phrase.</summary>
    public string Description => Ranks > 1 ? $"its share of the cores, which {Ranks} ranks of this host divide"
        : Quota is { } quota && Math.Ceiling(quota) < Affinity ? string.Create(CultureInfo.InvariantCulture,
            $"a quota of {quota:0.##} cores, rounded up, of {Affinity} that this process may run on")
        : "a thread for each core that this process may run on";

    /// <summary>The limits of one of several ranks.</summary>
    /// <param name="ranks">Ranks on this host.</param>
    /// <param name="sameCores">Those of them that may run on the same cores as this one, itself included. A launcher
    /// may have given each its own.</param>
    public ProcessorLimits Share(int ranks, int sameCores) =>
        new(Math.Max(1, Affinity / sameCores), Quota / ranks, ranks);

    /// <summary>The cores that this process may run on, as the system lists them: <c>0-3,8</c>.</summary>
    public static string? AllowedCores(string root = "/") => SystemFile.Lines(root, "proc/self/status")
        .FirstOrDefault(l => l.StartsWith(AffinityKey, StringComparison.Ordinal))?[AffinityKey.Length..].Trim();

    /// <summary>The numbers of the cores that this process may run on; null if the system does not tell.</summary>
    public static IReadOnlyList<int>? Allowed(string root = "/")
    {
        if (AllowedCores(root) is not { } list) return null;
        var cores = new List<int>();
        foreach (var range in list.Split(',', StringSplitOptions.TrimEntries))
        {
            var ends = range.Split('-');
            if (Number(ends[0]) is not { } first || Number(ends[^1]) is not { } last || last >= MostCores) return null;
            for (var core = (int)first; core <= last; core++) cores.Add(core);
        }
        return cores.Count > 0 ? cores : null;
    }

    /// <summary>Reads the limits of this process.</summary>
    /// <param name="root">The folder of <c>proc</c> and <c>sys</c>.</param>
    public static ProcessorLimits Read(string root = "/") =>
        new(Allowed(root)?.Count ?? Environment.ProcessorCount, ReadQuota(root));

    private static double? ReadQuota(string root) =>
        ControlGroups.Folders(root, "cpu").Min(group => QuotaOf(root, group));

    // "150000 100000" or "max 100000"; in version 1 two files, the quota -1 for none.
    private static double? QuotaOf(string root, string group)
    {
        var both = SystemFile.Lines(root, $"{group}/cpu.max").FirstOrDefault()?.Split(' ');
        var quota = Number(both?[0] ?? SystemFile.Lines(root, $"{group}/cpu.cfs_quota_us").FirstOrDefault());
        var period = Number(both?[^1] ?? SystemFile.Lines(root, $"{group}/cpu.cfs_period_us").FirstOrDefault());
        return quota > 0 && period > 0 ? quota / period : null;
    }

    private static double? Number(string? text) =>
        double.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value
        : null;
}
