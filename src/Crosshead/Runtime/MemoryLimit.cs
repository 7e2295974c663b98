using System.Globalization;

namespace Crosshead.Runtime;

/// <summary>
/// The most memory that this process can ever have: the least of the machine's memory with its swap, the limit of its
/// control group (a container), and the limit of <c>ulimit -v</c>. Work that needs more cannot succeed, even if nothing
/// else is running.
/// </summary>
internal static class MemoryLimit
{
    private static readonly Lazy<long> s_bytes = new(() => Of("/"));

    /// <summary>The limit in bytes.</summary>
    public static long Bytes => s_bytes.Value;

    /// <summary>The limit in the system's files below a root; <see cref="long.MaxValue"/> if they have none.</summary>
    public static long Of(string root)
    {
        var swap = Field(root, "proc/meminfo", "SwapTotal:") ?? 0;
        string[] groups = [.. ControlGroups.Folders(root, "memory")];
        long?[] limits =
        [
            Field(root, "proc/meminfo", "MemTotal:") + swap,
            Field(root, "proc/self/limits", "Max address space"),
            .. groups.Select(group =>
                Number(root, $"{group}/memory.max") + Math.Min(swap, Number(root, $"{group}/memory.swap.max") ?? swap)),
            .. groups.Select(group => Number(root, $"{group}/memory.limit_in_bytes") + swap),
        ];
        return limits.Min() ?? long.MaxValue;
    }

    // The first number after a name, in bytes; null if it is missing or means no limit.
    private static long? Field(string root, string file, string name) => SystemFile.Lines(root, file)
        .Where(line => line.StartsWith(name, StringComparison.Ordinal))
        .Select(line => line[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Select(words => Number(words[0]) is { } number ? number * (words.Contains("kB") ? 1024 : 1) : (long?)null)
        .FirstOrDefault();

    private static long? Number(string root, string file) =>
        SystemFile.Lines(root, file).Select(Number).FirstOrDefault();

    // Version 1 writes a huge number for no limit.
    private static long? Number(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number < long.MaxValue / 4096 ? number : null;
}
