using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Crosshead.Cli.Doctor;
using Crosshead.Cli.Terminal;

namespace Crosshead.Cli.Commands;

/// <summary>
/// <c>crosshead doctor</c>: reports what this machine has to compute with, what is missing, and how to get it.
/// </summary>
internal sealed class DoctorCommand() : CliCommand("doctor",
    "Tell what this machine has to compute with: libraries, devices, memory; what is missing, and how to get it.",
    "crosshead doctor",
    "CROSSHEAD_LIBTORCH=/usr/lib/python3/dist-packages/torch/lib crosshead doctor --json")
{
    /// <inheritdoc/>
    public override bool RunsOnRanks => true;

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments) => Diagnose;

    private static int Diagnose(CommandOutput output, CancellationToken cancellation)
    {
        var machine = Diagnosis.OfThisMachine();
        var table = new ResultTable("what", "found", "remedy");
        foreach (var finding in machine.Findings)
            table.Row(finding.What, (finding.Good ? "" : "missing: ") + finding.Found, finding.Remedy ?? "");
        output.Table(table);
        output.Line(machine.CanCompute
            ? "Everything needed to train and generate is here; a remedy, where one is shown, only makes it faster."
            : "Training and generating cannot run here until what is marked missing is repaired; tokenizer and data "
            + "commands work without it.");
        output.Result(new JsonObject
        {
            ["runtime"] = $".NET {Environment.Version} {RuntimeInformation.RuntimeIdentifier}",
            ["libtorch"] = machine.LibTorch is { } library
                ? new JsonObject { ["version"] = library.Version, ["folder"] = library.Folder } : null,
            ["devices"] = CommandOutput.List(machine.Devices, device => new JsonObject
            {
                ["name"] = device.Name,
                ["description"] = device.Description,
                ["memoryBytes"] = device.MemoryBytes,
            }),
            ["findings"] = CommandOutput.List(machine.Findings, finding => new JsonObject
            {
                ["what"] = finding.What,
                ["good"] = finding.Good,
                ["found"] = finding.Found,
                ["remedy"] = finding.Remedy,
            }),
            ["ok"] = machine.CanCompute,
        });
        return machine.CanCompute ? ExitCode.Done : ExitCode.AnswerIsNo;
    }
}
