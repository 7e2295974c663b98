namespace Crosshead.Runtime;

/// <summary>The control groups (of a container, a service, a user) that this process is in.</summary>
internal static class ControlGroups
{
    private const string Mount = "sys/fs/cgroup";

    /// <summary>
    /// Folders of the process's own group and of the groups around it, whose limits all apply, for version 2 and
    /// version 1, relative to the root. Not all of them need exist.
    /// </summary>
    /// <param name="root">The folder of <c>proc</c> and <c>sys</c>.</param>
    /// <param name="controller">What is limited: <c>cpu</c> or <c>memory</c>.</param>
    public static IEnumerable<string> Folders(string root, string controller) =>
        SystemFile.Lines(root, "proc/self/cgroup")
        .Select(line => line.Split(':', 3)) // id:controllers:path; version 2 names no controllers
        .Where(parts => parts.Length == 3 && (parts[1].Length == 0 || parts[1].Split(',').Contains(controller)))
        .SelectMany(parts => parts[1].Length == 0 ? ["", "unified"] : new[] { parts[1], controller },
            (parts, mount) => (mount, parts[2].Trim('/')))
        .Concat([("", ""), (controller, "")])
        .SelectMany(group => Upwards(group.Item1, group.Item2))
        .Distinct();

    private static IEnumerable<string> Upwards(string mount, string path)
    {
        for (; path.Length > 0; path = Path.GetDirectoryName(path) ?? "") yield return Path.Combine(Mount, mount, path);
        yield return Path.Combine(Mount, mount);
    }
}
