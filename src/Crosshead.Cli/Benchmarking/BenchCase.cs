using System.Text.Json.Nodes;
using Crosshead.Cli.Terminal;
using Crosshead.Runtime.Distributed;

namespace Crosshead.Cli.Benchmarking;

/// <summary>One timed case, with the operations and bytes of a repetition.</summary>
/// <param name="Name">Name of the case.</param>
/// <param name="Timing">How long a repetition took.</param>
/// <param name="Tokens">Tokens per repetition.</param>
/// <param name="Flops">Operations per repetition.</param>
/// <param name="Bytes">Bytes that a repetition must at least read: weights and cache.</param>
/// <param name="WorkingSet">Bytes that a repetition reads again and again; fewer than <paramref name="Bytes"/> if a
/// repetition has several passes.</param>
internal sealed record BenchCase(string Name, Timing Timing, double Tokens, double Flops, double Bytes,
    double WorkingSet)
{
    /// <summary>Whether the working set stays in a cache; the speed of memory is then no limit for the case.</summary>
    public bool Cached { get; init; }

    /// <summary>What exchanges of a repetition took on rank 0, for several ranks.</summary>
    public ExchangeTimes? Exchanges { get; init; }

    /// <summary>Tokens per second, from the median.</summary>
    public double TokensPerSecond => Tokens / Timing.Median;

    /// <summary>Writes the cases as a table and as <c>cases[]</c> of the JSON result.</summary>
    /// <param name="output">Where the cases are written.</param>
    /// <param name="cases">The timed cases.</param>
    /// <param name="measured">Measured peak speeds of the device.</param>
    /// <param name="setting">Shape, device and precision, shown below the table and in JSON.</param>
    public static void Write(CommandOutput output, IReadOnlyList<BenchCase> cases, Ceilings measured,
        BenchSetting setting)
    {
        var ceilings = measured.Including(cases);
        var table = new ResultTable("case", "median ms>", "fastest ms>", "tokens/s>", "GFLOP/s>", "of peak>", "GB/s>",
            "of memory's>");
        foreach (var c in cases)
            table.Row(c.Name, $"{c.Timing.Median * 1e3:0.000}", $"{c.Timing.Fastest * 1e3:0.000}",
                $"{c.TokensPerSecond:0}", $"{c.Flops / c.Timing.Median / 1e9:0.0}", $"{c.FlopShare(ceilings):P0}",
                $"{c.Bytes / c.Timing.Median / 1e9:0.0}",
                c.ByteShare(ceilings) is { } share ? $"{share:P0}" : "cached");
        output.Table(table);
        foreach (var (name, timing, times) in cases.Where(c => c.Exchanges is not null)
            .Select(c => (c.Name, c.Timing, c.Exchanges!.Value)))
            output.Line($"{name}: exchanges take {times.Exchanged.TotalMilliseconds:0.0} ms of a repetition on rank 0, "
                + $"and the computation waits {times.Waited.TotalMilliseconds:0.0} ms for them "
                + $"({times.Waited.TotalSeconds / timing.Median:P1}).");
        output.Line($"{setting.Description}; peaks measured just now: {ceilings.FlopsPerSecond / 1e9:0} GFLOP/s, "
            + $"{ceilings.BytesPerSecond / 1e9:0.0} GB/s. The larger share says what the case is bound by."
            + (cases.Any(c => c.Cached) ? " What a case marked cached reads again and again stays in a cache, which is "
                + "faster than memory." : "")
            + (ceilings.Busy ? " The machine did other work meanwhile, which disturbed the measurement of the peaks: "
                + "the shares are a hint at best." : "")
            + (setting.DeviceMemory is { } taken ? $" Device memory taken: {Quantity.Bytes(taken)}." : ""));
        output.Result(new JsonObject
        {
            ["cases"] = CommandOutput.List(cases, c => c.Node(ceilings)),
            ["ceilings"] = new JsonObject
            {
                ["flopsPerSecond"] = ceilings.FlopsPerSecond,
                ["bytesPerSecond"] = ceilings.BytesPerSecond,
                ["busy"] = ceilings.Busy,
            },
            ["device"] = setting.Device,
            ["dtype"] = setting.Type,
            ["threads"] = setting.Threads,
            ["deviceMemoryBytes"] = setting.DeviceMemory,
        });
    }

    /// <summary>Operations per second as a share of the peak, from the median.</summary>
    internal double FlopShare(Ceilings ceilings) => Flops / Timing.Median / ceilings.FlopsPerSecond;

    /// <summary>Bytes per second as a share of memory speed, from the median; null for a cached case.</summary>
    internal double? ByteShare(Ceilings ceilings) => Cached ? null : Bytes / Timing.Median / ceilings.BytesPerSecond;

    private JsonObject Node(Ceilings ceilings) => new()
    {
        ["name"] = Name,
        ["medianSeconds"] = Timing.Median,
        ["fastestSeconds"] = Timing.Fastest,
        ["slowestSeconds"] = Timing.Slowest,
        ["repetitions"] = Timing.Repetitions,
        ["tokensPerSecond"] = TokensPerSecond,
        ["flopsPerSecond"] = Flops / Timing.Median,
        ["flopShare"] = FlopShare(ceilings),
        ["bytesPerSecond"] = Bytes / Timing.Median,
        ["cached"] = Cached,
        ["byteShare"] = ByteShare(ceilings),
        ["exchangeSeconds"] = Exchanges?.Exchanged.TotalSeconds,
        ["waitSeconds"] = Exchanges?.Waited.TotalSeconds,
    };
}
