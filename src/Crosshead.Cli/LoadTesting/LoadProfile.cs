using System.Globalization;

namespace Crosshead.Cli.LoadTesting;

/// <summary>When the requests of a load test are sent. A profile becomes one case, or several for a sweep.</summary>
internal sealed record LoadProfile
{
    /// <summary>The names of all profiles.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["synchronous", "concurrent", "throughput", "constant", "poisson", "sweep"];

    /// <summary>The concurrencies of a sweep without a choice; null stands for no limit.</summary>
    public static IReadOnlyList<int?> UsualConcurrencies { get; } = [1, 8, 32, 128, null];

    private const int RequestsPerStream = 8, FewestRequests = 16;

    /// <summary>The name of the profile; null to choose it by the other options.</summary>
    public string? Name { get; init; }

    /// <summary>Number of requests.</summary>
    public required int Requests { get; init; }

    /// <summary>Requests per second; null if not given.</summary>
    public double? Rate { get; init; }

    /// <summary>Shape of the gaps between requests; null if not given.</summary>
    public double? Burstiness { get; init; }

    /// <summary>Most requests that are open at once; null if not given.</summary>
    public int? Concurrency { get; init; }

    /// <summary>The concurrencies of a sweep; null if not given.</summary>
    public IReadOnlyList<int?>? Concurrencies { get; init; }

    /// <summary>The cases of the profile.</summary>
    /// <exception cref="CrossheadException">The name is unknown, or an option is missing or has no meaning in the
    /// profile.</exception>
    public IReadOnlyList<LoadCase> Cases()
    {
        var name = Name ?? (Concurrencies is not null ? "sweep" : Rate is not null ? "poisson"
            : Concurrency is not null ? "concurrent" : "throughput");
        if (!Names.Contains(name))
            throw new CrossheadException($"--profile \"{name}\" is unknown; {Suggestion.For(name, Names)}");
        var timed = name is "constant" or "poisson";
        Require(name, "--request-rate", Rate is not null, needed: timed, allowed: timed);
        Require(name, "--burstiness", Burstiness is not null, needed: false, allowed: name == "poisson");
        Require(name, "--max-concurrency", Concurrency is not null, needed: name == "concurrent",
            allowed: name is not ("sweep" or "synchronous"));
        Require(name, "--concurrencies", Concurrencies is not null, needed: false, allowed: name == "sweep");
        return name switch
        {
            "synchronous" => [new LoadCase(name, Requests) { Concurrency = 1 }],
            "constant" => [Timed(name, double.PositiveInfinity)],
            "poisson" => [Timed(name, Burstiness ?? 1)],
            "sweep" => [.. (Concurrencies ?? UsualConcurrencies).Select(InSweep)],
            _ => [new LoadCase(Concurrency is { } most ? $"{most} at once" : "all at once", Requests)
                { Concurrency = Concurrency }],
        };
    }

    /// <summary>Reads a concurrency of a sweep: a number, or <c>inf</c> for no limit.</summary>
    /// <exception cref="CrossheadException">The text is neither.</exception>
    public static int? ParseConcurrency(string text) =>
        text.Equals("inf", StringComparison.OrdinalIgnoreCase) ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0 ? count
        : throw new CrossheadException($"--concurrencies has \"{text}\"; give whole numbers from 1, or inf for all at "
            + $"once.");

    private LoadCase Timed(string name, double burstiness) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{name}, {Rate:0.###}/s"), Requests)
        {
            Rate = Rate!.Value,
            Burstiness = burstiness,
            Concurrency = Concurrency,
        };

    // A few requests per stream tell enough, and 1 stream need not send what 128 streams send.
    private LoadCase InSweep(int? concurrency) =>
        new(concurrency is { } most ? $"{most} at once" : "all at once", concurrency is { } streams
            ? (int)Math.Min(Requests, Math.Max(FewestRequests, (long)RequestsPerStream * streams)) : Requests)
        { Concurrency = concurrency };

    private static void Require(string profile, string option, bool given, bool needed, bool allowed)
    {
        if (needed && !given) throw new CrossheadException($"the profile {profile} needs {option}; give it.");
        if (given && !allowed)
            throw new CrossheadException($"{option} has no meaning in the profile {profile}; leave it out, or choose "
                + $"another profile.");
    }
}
