using System.Globalization;
using Crosshead.Cli.Options;

namespace Crosshead.Cli.LoadTesting.Measures;

/// <summary>The longest times that a user accepts. A request that keeps all of them counts as good.</summary>
internal sealed record ServiceLevels
{
    private static readonly string[] s_names = ["ttft", "tpot", "e2el"];

    /// <summary>The limits in milliseconds by name: <c>ttft</c>, <c>tpot</c>, <c>e2el</c>.</summary>
    public required IReadOnlyDictionary<string, double> Limits { get; init; }

    /// <summary>Reads limits such as <c>ttft:200,tpot:50</c>.</summary>
    /// <exception cref="CrossheadException">A limit is unknown, given twice, or no positive number.</exception>
    public static ServiceLevels Parse(string text)
    {
        var limits = new Dictionary<string, double>();
        foreach (var item in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var parts = item.Split(':', 2);
            var name = NameOption.Known("--goodput", parts[0], s_names);
            if (parts.Length < 2 || !double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture,
                out var limit) || !double.IsFinite(limit) || limit <= 0)
                throw new CrossheadException($"--goodput (\"{text}\") needs milliseconds above 0 after \"{name}\"; "
                    + $"write {name}:200.");
            if (!limits.TryAdd(name, limit))
                throw new CrossheadException($"--goodput (\"{text}\") names {name} twice; name it once.");
        }
        return new ServiceLevels { Limits = limits };
    }

    /// <summary>Whether a complete answer kept all limits.</summary>
    public bool AreKeptBy(RequestRecord request) => Limits.All(limit => 1000 * Seconds(request, limit.Key)
        <= limit.Value);

    // An answer of one token took no time per further token.
    private static double Seconds(RequestRecord request, string name) => name switch
    {
        "ttft" => request.TimeToFirstToken,
        "tpot" => request.OutputTokens > 1 ? request.TimePerOutputToken : 0,
        _ => request.Latency,
    };
}
