namespace Crosshead.Benchmarks.Survival;

/// <summary>
/// Puts a real server under stress over HTTP, and checks what it must keep: its answers, its pages and its memory.
/// </summary>
internal static class SurvivalTest
{
    private static readonly (string Name, Func<string, Task> Run)[] s_cases =
    [
        ("streams", ManyStreams.RunAsync),
        ("vanish", VanishingClients.RunAsync),
        ("queue", FullQueue.RunAsync),
        ("pressure", CachePressure.RunAsync),
        ("stall", StalledReaders.RunAsync),
        ("stop", StopUnderLoad.RunAsync),
        ("soak", Soak.RunAsync),
    ];

    private static int s_failures;

    /// <summary>Runs cases.</summary>
    /// <param name="model">The model directory.</param>
    /// <param name="names">The cases; all if there are none.</param>
    /// <returns>The exit code: 1 if something was not kept.</returns>
    public static async Task<int> RunAsync(string model, string[] names)
    {
        foreach (var name in names)
            if (!s_cases.Any(c => c.Name == name))
                throw new ArgumentException($"unknown case {name}; use one of "
                    + $"{string.Join(", ", s_cases.Select(c => c.Name))}.");
        foreach (var (name, run) in s_cases)
        {
            if (names.Length > 0 && !names.Contains(name)) continue;
            Console.WriteLine($"## {name}");
            await run(model);
        }
        Console.WriteLine(s_failures == 0 ? "all was kept" : $"{s_failures} were not kept");
        return s_failures == 0 ? 0 : 1;
    }

    /// <summary>Tells a measurement.</summary>
    public static void Tell(string what) => Console.WriteLine($"- {what}");

    /// <summary>Tells what must hold, and whether it does.</summary>
    public static void Check(bool holds, string what)
    {
        Tell($"{(holds ? "kept" : "NOT KEPT")}: {what}");
        if (!holds) s_failures++;
    }

    /// <summary>The value below which a share of values lies.</summary>
    /// <param name="values">The values, at least one.</param>
    /// <param name="share">The share, 0 to 1.</param>
    public static double Percentile(IEnumerable<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        return sorted[(int)Math.Ceiling(share * (sorted.Length - 1))];
    }

    /// <summary>Median, 99 of 100 and the longest of some milliseconds, in words.</summary>
    public static string Spread(IReadOnlyCollection<double> milliseconds) =>
        $"median {Percentile(milliseconds, 0.5):0.0} ms, p99 {Percentile(milliseconds, 0.99):0.0} ms, max "
        + $"{milliseconds.Max():0.0} ms, of {milliseconds.Count}";
}
