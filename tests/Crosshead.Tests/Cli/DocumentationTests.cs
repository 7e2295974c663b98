using System.Text.RegularExpressions;
using Crosshead.Cli.Options;

namespace Crosshead.Tests.Cli;

/// <summary>What the pages tell users to type, and what they show, is right.</summary>
public sealed partial class DocumentationTests
{
    public static TheoryData<string> Pages => ["README.md", "src/Crosshead.Cli/PACKAGE.md",
        .. Directory.EnumerateFiles(Repository.Path("docs"), "*.md").Select(p => $"docs/{Path.GetFileName(p)}")];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_command_in_a_page_can_be_parsed(string page)
    {
        var text = File.ReadAllText(Repository.Path(page)).Replace("\\\n", " ", StringComparison.Ordinal);
        foreach (var line in Block().Matches(text).SelectMany(m => m.Groups[1].Value.Split('\n')).Select(l => l.Trim())
            .Where(l => l.StartsWith("crosshead ", StringComparison.Ordinal)))
        {
            var command = Tail().Replace(line, "")["crosshead ".Length..];
            var parsed = CliRun.CommandLine.Root().Parse(command);
            Assert.True(parsed.Action is ParsedAction || UsageError.Describe(parsed) is null,
                $"{page}: {line}: {UsageError.Describe(parsed)}");
        }
    }

    [Fact]
    public void The_readme_shows_commands_of_every_kind() =>
        Assert.True(Block().Matches(File.ReadAllText(Repository.Path("README.md")))
            .Sum(m => m.Groups[1].Value.Split("\ncrosshead ").Length - 1) > 12);

    [Fact]
    public void Links_between_pages_lead_to_files()
    {
        foreach (var page in Directory.EnumerateFiles(Repository.Path("docs"), "*.md")
            .Append(Repository.Path("README.md")))
            Assert.All(Link().Matches(File.ReadAllText(page)).Select(m => m.Groups[1].Value)
                .Where(l => !l.Contains(':', StringComparison.Ordinal) && l[0] != '#'),
                link => Assert.True(Path.Exists(Path.Combine(Path.GetDirectoryName(page)!, link.Split('#')[0])),
                    $"{Path.GetFileName(page)} links to {link}"));
    }

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();

    // What a shell takes for itself: comments, pipes, redirections and what goes on beside.
    [GeneratedRegex(@"\s+[#|<>&].*$")]
    private static partial Regex Tail();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();
}
