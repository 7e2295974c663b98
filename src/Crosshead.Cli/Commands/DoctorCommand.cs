using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Crosshead.Cli.Doctor;
using Crosshead.Cli.Terminal;
using Crosshead.Runtime.Distributed;

namespace Crosshead.Cli.Commands;

/// <summary>
/// <c>crosshead doctor</c>: reports what this machine has to compute with, what is missing, and how to get it.
/// </summary>
internal sealed class DoctorCommand : CliCommand
{
    /// <summary>Describes the command.</summary>
    public DoctorCommand() : base("doctor",
        "Tell what this machine has to compute with: libraries, devices, memory; what is missing, and how to get it.",
        "crosshead doctor",
        "crosshead doctor --ranks 2",
        "CROSSHEAD_LIBTORCH=/usr/lib/python3/dist-packages/torch/lib crosshead doctor --json") => RunOnRanks();

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments) => Diagnose;

    /// <summary>Differences between ranks are shown, and not refused.</summary>
    protected override void Meet(ICommunicator communicator)
    {
    }

    private static int Diagnose(CommandOutput output, CancellationToken cancellation)
    {
        var machine = Diagnosis.OfThisMachine();
        var ranks = new RankDiagnosis(output.Communicator, machine.CanCompute);
        var findings = machine.Findings.Concat(ranks.Findings).ToArray();
        var good = machine.CanCompute && ranks.CanCompute;
        var table = new ResultTable("what", "found", "remedy");
        foreach (var finding in findings)
            table.Row(finding.What, (finding.Good ? "" : "missing: ") + finding.Found, finding.Remedy ?? "");
        output.Table(table);
        output.Line(good
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
            ["findings"] = CommandOutput.List(findings, finding => new JsonObject
            {
                ["what"] = finding.What,
                ["good"] = finding.Good,
                ["found"] = finding.Found,
                ["remedy"] = finding.Remedy,
            }),
            ["ok"] = good,
        });
        return good ? ExitCode.Done : ExitCode.AnswerIsNo;
    }
}
