using System.Text.Json.Nodes;

namespace Crosshead.Cli.Benchmarking;

/// <summary>One thing timed, with what a repetition of it computes and moves.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Timing">How long a repetition took.</param>
/// <param name="Tokens">Tokens of a repetition.</param>
/// <param name="Flops">Operations of a repetition.</param>
/// <param name="Bytes">Bytes that a repetition must at least read: weights and cache.</param>
internal sealed record BenchCase(string Name, Timing Timing, double Tokens, double Flops, double Bytes)
{
    /// <summary>Tokens a second, by the median.</summary>
    public double TokensPerSecond => Tokens / Timing.Median;

    /// <summary>Writes the cases as a table and as <c>cases[]</c> of the JSON result.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="cases">What was timed.</param>
    /// <param name="ceilings">What the device does at most.</param>
    /// <param name="setting">Shape, device and precision, for the sentence below the table and for JSON.</param>
    public static void Write(CommandOutput output, IReadOnlyList<BenchCase> cases, Ceilings ceilings, BenchSetting setting)
    {
        var table = new ResultTable("case", "median ms>", "fastest ms>", "tokens/s>", "GFLOP/s>", "of peak>", "GB/s>", "of peak>");
        foreach (var c in cases)
            table.Row(c.Name, $"{c.Timing.Median * 1e3:0.000}", $"{c.Timing.Fastest * 1e3:0.000}", $"{c.TokensPerSecond:0}",
                $"{c.Flops / c.Timing.Median / 1e9:0.0}", $"{c.FlopShare(ceilings):P0}", $"{c.Bytes / c.Timing.Median / 1e9:0.0}", $"{c.ByteShare(ceilings):P0}");
        output.Table(table);
        output.Line($"{setting.Description}; peaks measured just now: {ceilings.FlopsPerSecond / 1e9:0} GFLOP/s, {ceilings.BytesPerSecond / 1e9:0.0} GB/s. The larger share says what the case is bound by."
            + (setting.DeviceMemory is { } taken ? $" Device memory taken: {Quantity.Bytes(taken)}." : ""));
        output.Result(new JsonObject
        {
            ["cases"] = CommandOutput.List(cases, c => c.Node(ceilings)),
            ["ceilings"] = new JsonObject { ["flopsPerSecond"] = ceilings.FlopsPerSecond, ["bytesPerSecond"] = ceilings.BytesPerSecond },
            ["device"] = setting.Device,
            ["dtype"] = setting.Type,
            ["threads"] = setting.Threads,
            ["deviceMemoryBytes"] = setting.DeviceMemory,
        });
    }

    private double FlopShare(Ceilings ceilings) => Flops / Timing.Median / ceilings.FlopsPerSecond;

    private double ByteShare(Ceilings ceilings) => Bytes / Timing.Median / ceilings.BytesPerSecond;

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
        ["byteShare"] = ByteShare(ceilings),
    };
}
