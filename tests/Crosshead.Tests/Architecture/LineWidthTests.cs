using System.Text.RegularExpressions;

namespace Crosshead.Tests.Architecture;

public sealed partial class LineWidthTests
{
    private const int Width = 120;

    private static readonly string[] s_folders = ["src", "tests", "benchmarks", "scripts", "findings", ".ci"];
    private static readonly string[] s_endings = [".cs", ".cu", ".cuh", ".sh", ".py"];

    [Fact]
    public void Lines_end_at_120_columns()
    {
        var wide = s_folders.Select(Repository.Path).Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            .Where(IsSource).Order(StringComparer.Ordinal)
            .SelectMany(file => Wide(File.ReadAllText(file)).Select(line => $"{Relative(file)}:{line}"));
        Assert.True(!wide.Any(), string.Join('\n', wide));
    }

    [Fact]
    public void A_line_of_121_columns_is_found() =>
        Assert.Equal(["2: 121 columns"], Wide($"{Row(120)}\n{Row(121)}\n{Row(1)}"));

    [Fact]
    public void The_text_of_a_raw_string_is_not_counted()
    {
        Assert.Empty(Wide($"\"\"\"\n{Row(300)}\n{Row(200)}\"\"\""));
        Assert.Empty(Wide($"Parse(\"\"\"{Row(200)}\"\"\");"));
        Assert.Empty(Wide($"$$\"\"\"{Row(200)} \"{Row(9)}\" \"\"\""));
        Assert.Equal(["2: 121 columns"], Wide($"// \"\"\"\n{Row(121)}"));
        Assert.Equal(["1: 121 columns"], Wide($"\"\"\"{Row(200)}\"\"\"{Row(121)}"));
    }

    private static IEnumerable<string> Wide(string source) =>
        Literals().Replace(source, literal => literal.Groups["text"].Success ? Breaks(literal.Value) : literal.Value)
            .Split('\n').Select(line => line.TrimEnd('\r').EnumerateRunes().Count()).Index()
            .Where(line => line.Item > Width).Select(line => $"{line.Index + 1}: {line.Item} columns");

    // Nothing but the line breaks of a raw string, so that lines keep their numbers.
    private static string Breaks(string raw) => new('\n', raw.Count(c => c == '\n'));

    private static string Row(int width) => new('x', width);

    private static string Relative(string file) => Path.GetRelativePath(Repository.Path("."), file);

    private static bool IsSource(string file) =>
        s_endings.Contains(Path.GetExtension(file)) && !Relative(file).Split('/').Any(part => part is "bin" or "obj");

    // Comments, raw strings (of the group text), other strings, characters: whichever begins first.
    [GeneratedRegex("""
        //[^\n]*|/\*.*?\*/
        |\$*(?<quotes>"{3,})(?<text>.*?)\k<quotes>"*
        |@\$?"(?:[^"]|"")*"|\$?"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'
        """, RegexOptions.Singleline | RegexOptions.IgnorePatternWhitespace | RegexOptions.ExplicitCapture)]
    private static partial Regex Literals();
}
