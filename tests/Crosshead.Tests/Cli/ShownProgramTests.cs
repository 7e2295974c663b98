using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Crosshead.Tests.Cli;

/// <summary>The programs that the pages show compile as they stand.</summary>
public sealed partial class ShownProgramTests
{
    // What a new project has with ImplicitUsings, as README and its template ask for.
    private const string ImplicitUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    // All that the tests can use: the platform, this project's assemblies, and TorchSharp.
    private static readonly MetadataReference[] s_references =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path))];

    // As the SDK does: a package may have been built for an older version of another.
    private static readonly CSharpCompilationOptions s_options = new CSharpCompilationOptions(
        OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable)
        .WithSpecificDiagnosticOptions([new("CS1701", ReportDiagnostic.Suppress)]);

    public static TheoryData<string, int> Programs()
    {
        var programs = new TheoryData<string, int>();
        foreach (var page in Pages())
            for (var i = 0; i < In(page).Count; i++) programs.Add(page, i);
        return programs;
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public void A_shown_program_compiles(string page, int number)
    {
        var compilation = CSharpCompilation.Create("Shown",
            [CSharpSyntaxTree.ParseText(ImplicitUsings), CSharpSyntaxTree.ParseText(In(page)[number])], s_references,
            s_options);

        Assert.Equal([], compilation.GetDiagnostics(TestContext.Current.CancellationToken)
            .Where(d => d.Severity >= DiagnosticSeverity.Warning).Select(d => d.ToString()));
    }

    [Fact]
    public void The_page_of_the_library_shows_a_program_for_each_of_its_sections() =>
        Assert.Equal(Section().Count(File.ReadAllText(Repository.Path("docs/library.md"))),
            In("docs/library.md").Count);

    [Fact]
    public void The_package_shows_the_readme_s_programs() =>
        Assert.Equal(In("README.md"), In("src/Crosshead/PACKAGE.md"));

    private static IEnumerable<string> Pages() =>
        Directory.EnumerateFiles(Repository.Path("docs"), "*.md").Select(p => $"docs/{Path.GetFileName(p)}")
            .Concat(Directory.EnumerateFiles(Repository.Path("src"), "PACKAGE.md", SearchOption.AllDirectories)
                .Select(p => Path.GetRelativePath(Repository.Path("."), p)))
            .Append("README.md").Order(StringComparer.Ordinal);

    private static List<string> In(string page) =>
        [.. Program().Matches(File.ReadAllText(Repository.Path(page))).Select(m => m.Groups[1].Value)];

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Program();

    [GeneratedRegex("^## ", RegexOptions.Multiline)]
    private static partial Regex Section();
}
