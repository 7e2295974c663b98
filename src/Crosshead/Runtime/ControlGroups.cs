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
        Groups(root, controller).SelectMany(group => group).Distinct();

    private static IEnumerable<IEnumerable<string>> Groups(string root, string controller)
    {
        foreach (var line in SystemFile.Lines(root, "proc/self/cgroup"))
        {
            // id:controllers:path; version 2 names no controllers
            if (line.Split(':', 3) is not [_, var controllers, var path]) continue;
            if (controllers.Length > 0 && !controllers.Split(',').Contains(controller)) continue;
            yield return Upwards(controllers, path.Trim('/'));
            yield return Upwards(controllers.Length == 0 ? "unified" : controller, path.Trim('/'));
        }
        yield return Upwards("", "");
        yield return Upwards(controller, "");
    }

    private static IEnumerable<string> Upwards(string mount, string path)
    {
        for (; path.Length > 0; path = Path.GetDirectoryName(path) ?? "") yield return Path.Combine(Mount, mount, path);
        yield return Path.Combine(Mount, mount);
    }
}
