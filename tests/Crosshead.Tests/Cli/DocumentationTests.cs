using System.Text.RegularExpressions;
using Crosshead.Cli.Options;

namespace Crosshead.Tests.Cli;

/// <summary>What the pages tell users to type, and what they show, is right.</summary>
public sealed partial class DocumentationTests
{
    public static TheoryData<string> Pages => ["README.md", "docs/command-line.md", "docs/recipes.md", "docs/tasks.md",
        "docs/learning-rate-study.md", "docs/serving.md", "src/Crosshead.Cli/PACKAGE.md"];

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
    public void The_programs_of_the_library_are_the_readme_s_and_compile()
    {
        var (readme, package) = (File.ReadAllText(Repository.Path("README.md")),
            File.ReadAllText(Repository.Path("src/Crosshead/PACKAGE.md")));
        var compiled = File.ReadAllLines(Repository.Path("tests/Crosshead.Tests/TextModels/ShownPrograms.cs"))
            .Select(line => line.Trim()).ToHashSet();
        var programs = Program().Matches(readme).Select(m => m.Groups[1].Value).ToArray();
        Assert.NotEmpty(programs);
        Assert.Equal(programs, Program().Matches(package).Select(m => m.Groups[1].Value));
        Assert.All(programs.SelectMany(p => p.Split('\n')).Select(line => line.Trim()),
            line => Assert.Contains(line, compiled));
    }

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

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Program();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();
}
