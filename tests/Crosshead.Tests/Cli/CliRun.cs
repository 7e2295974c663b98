using System.Text.Json.Nodes;
using Crosshead.Cli;
using Crosshead.Cli.Commands;
using Crosshead.Cli.Terminal;

namespace Crosshead.Tests.Cli;

/// <summary>One command line run inside the test process.</summary>
internal sealed record CliRun(int ExitCode, string Out, string Error)
{
    /// <summary>The program with all its commands.</summary>
    public static CommandLine CommandLine { get; } = new(CommandList.For);

    public static CliRun Of(params string[] args) => With("", default, args);

    public static CliRun With(string input, CancellationToken cancellation, params string[] args)
    {
        using StringWriter output = new(), error = new();
        var exitCode = CommandLine.Run(args, new StandardStreams(output, error, new StringReader(input)), cancellation);
        return new CliRun(exitCode, output.ToString(), error.ToString());
    }

    /// <summary>The one JSON object of a run with --json.</summary>
    public JsonObject Json => (JsonObject)JsonNode.Parse(Out)!;

    /// <summary>
    /// Checks the form every refusal has: exit code 2, nothing on standard output, one line on standard error.
    /// </summary>
    public string Refusal()
    {
        Assert.Equal(2, ExitCode);
        Assert.Equal("", Out);
        return Assert.Single(Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
