using System.Reflection;
using Crosshead.Cli.Terminal;
using Crosshead.Training.Runs;

namespace Crosshead.Tests.Cli;

/// <summary>What messages call settings: the library by its members, the command line by its options.</summary>
public sealed class OptionNamesTests
{
    [Fact]
    public void Every_term_of_the_library_has_a_name_on_the_command_line()
    {
        var terms = typeof(MessageTerm).GetProperties(BindingFlags.Public | BindingFlags.Static).Select(p => p.Name);
        Assert.Equal(terms.Order(), OptionNames.Table.Keys.Order());
    }

    [Fact]
    public async Task Names_hold_for_what_a_call_starts_and_for_nothing_else()
    {
        Assert.Equal("`Overwrite`", MessageTerm.Overwrite);
        using (MessageTerm.Use(OptionNames.Table))
        {
            Assert.Equal("--overwrite", MessageTerm.Overwrite);
            Assert.Equal("--from", await Task.Run(() => MessageTerm.From, TestContext.Current.CancellationToken));
        }
        Assert.Equal("`Overwrite`", MessageTerm.Overwrite);
    }

    [Fact]
    public void A_refusal_names_members_in_the_library_and_options_on_the_command_line()
    {
        using var folder = new TemporaryFolder();
        var recipe = folder.Write("recipe.json", """{ "training": { "steps": 1 } }""");
        var refusal = Assert.Throws<CrossheadException>(() => RunRecipe.Load(recipe, [], new RunOptions()));
        Assert.EndsWith("name its directory with `From`.", refusal.Message);
        Assert.EndsWith("name its directory with --from.",
            CliRun.Of("train", recipe, "--out", folder.File("run")).Refusal());
    }

    [Fact]
    public void The_library_speaks_of_no_option()
    {
        var spoken = Directory.EnumerateFiles(Repository.Path("src/Crosshead"), "*.cs", SearchOption.AllDirectories)
            // the compiler's options, and what a model's card shows to its readers
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal)
                && Path.GetFileName(f) is not ("CudaKernel.cs" or "ModelCard.cs"))
            .SelectMany(
            f => File.ReadLines(f).Select((line, n) => (Place: $"{Path.GetFileName(f)}:{n + 1}", Line: line.Trim())))
            .Where(l => !l.Line.StartsWith("//", StringComparison.Ordinal)
                && System.Text.RegularExpressions.Regex.IsMatch(l.Line, @"""(?:[^""]*[ (])?--[a-z]"))
            .Select(l => $"{l.Place} {l.Line}");
        Assert.Empty(spoken);
    }
}
