using System.CommandLine;
using Crosshead.Cli.Commands;
using Crosshead.Cli.Options;
using Crosshead.Tests.Architecture;

namespace Crosshead.Tests.Cli;

public sealed class HelpTests
{
    public static TheoryData<string> Commands => [.. Paths(CliRun.CommandLine.Root(), "")];

    [Theory]
    [MemberData(nameof(Commands))]
    public void Help_is_the_accepted_one(string path)
    {
        var help = CliRun.Of([.. path.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);
        Assert.Equal((0, ""), (help.ExitCode, help.Error));
        Snapshot.Match($"{(path.Length == 0 ? "crosshead" : path.Replace(' ', '-'))}.txt", help.Out);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void Help_shows_an_example_of_the_command(string path)
    {
        var examples = CliRun.Of([.. path.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]).Out.Split(
            "Examples:\n")[1];
        Assert.Contains($"crosshead {path}".Trim(), examples);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void Examples_can_be_parsed(string path)
    {
        var examples = CliRun.Of([.. path.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]).Out.Split(
            "Examples:\n")[1].Split("\n\n")[0];
        foreach (var example in examples.Split('\n', StringSplitOptions.TrimEntries))
        {
            var line = example[example.IndexOf("crosshead ", StringComparison.Ordinal)..].Split(" | ")[0]
                .Split(" > ")[0].Split(" < ")[0]["crosshead ".Length..];
            Assert.Null(UsageError.Describe(CliRun.CommandLine.Root().Parse(line)));
        }
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void Every_command_that_runs_takes_json(string path)
    {
        var command = path.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Aggregate(CliRun.CommandLine.Root(), (c, name) => c.Subcommands.Single(s => s.Name == name));
        Assert.Equal(command.Subcommands.Count == 0,
            command is CliCommand && command.Options.Any(o => o.Name == "--json"));
    }

    [Fact]
    public void The_command_that_a_line_begins_with_is_made_alone() =>
        Assert.All(CliRun.CommandLine.Root().Subcommands, command => Assert.Equal(command.Name,
            Assert.Single(CliRun.CommandLine.Root(command.Name, "--help").Subcommands).Name));

    [Fact]
    public void Version_is_told() => Assert.Matches(@"^\d+\.\d+\.\d+", CliRun.Of("--version").Out);

    private static IEnumerable<string> Paths(Command command, string path) =>
        command.Subcommands.SelectMany(c => Paths(c, $"{path} {c.Name}".Trim())).Prepend(path);
}
