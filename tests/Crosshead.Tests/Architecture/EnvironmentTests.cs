using System.Text.RegularExpressions;

namespace Crosshead.Tests.Architecture;

public sealed partial class EnvironmentTests
{
    [Fact]
    public void Every_environment_variable_that_is_read_is_documented_and_no_other()
    {
        var source = string.Join('\n',
            Directory.EnumerateFiles(Repository.Path("src"), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal)
                && !f.Contains("/bin/", StringComparison.Ordinal)).Select(File.ReadAllText));
        var read = Own().Matches(source).Select(m => m.Value)
            .Concat(Named().Matches(source).Select(m => m.Groups[1].Value)).ToHashSet();
        var table = File.ReadAllText(Repository.Path("docs/command-line.md")).Split("## Environment variables")[1];
        var listed = table.Split('\n').Where(l => l.StartsWith("| `", StringComparison.Ordinal))
            .SelectMany(l => Quoted().Matches(l.Split('|')[1]).Select(m => m.Groups[1].Value)).ToHashSet();
        Assert.Contains("CROSSHEAD_LIBTORCH", read);
        Assert.Empty(read.Except(listed));
        Assert.DoesNotContain(listed, l => !source.Contains($"\"{l}\"", StringComparison.Ordinal));
    }

    [GeneratedRegex("CROSSHEAD_[A-Z_]+")]
    private static partial Regex Own();

    [GeneratedRegex("GetEnvironmentVariable\\(\"(\\w+)\"\\)")]
    private static partial Regex Named();

    [GeneratedRegex("`(\\w+)`")]
    private static partial Regex Quoted();
}
