using System.Text.RegularExpressions;

namespace Crosshead.Tests.Architecture;

/// <summary>
/// Files that users name are opened by <see cref="Crosshead.Files.InputFile"/>, which refuses what would be waited for
/// without end.
/// </summary>
public sealed partial class InputFileUseTests
{
    // Files of the system, of this program alone, or for which pipes are meant.
    private static readonly string[] s_others =
    [
        "Crosshead/Data/Corpora/ReferencePackCorpus.cs", "Crosshead/Data/Sources/DocumentReader.cs",
        "Crosshead/Files/InputFile.cs", "Crosshead/Runtime/Cuda/KernelCache.cs", "Crosshead/Runtime/LibTorch.cs",
        "Crosshead/Runtime/SystemFile.cs", "Crosshead/TextModels/Prompts/PromptFile.cs",
        "Crosshead/Training/Logging/LogTail.cs", "Crosshead.Cli/Options/RawArguments.cs",
    ];

    [Fact]
    public void Files_are_opened_in_one_place()
    {
        var root = Repository.Path("src");
        var found = Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(root, f))
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal)
                && !f.Contains("/bin/", StringComparison.Ordinal))
            .Where(f => File.ReadAllText(Path.Combine(root, f)).Split('\n')
                .Any(line => Opening().IsMatch(line) && !line.Contains("InputFile.Regular", StringComparison.Ordinal)))
            .Order(StringComparer.Ordinal);
        Assert.Equal(s_others.Order(StringComparer.Ordinal), found);
    }

    [Fact]
    public void What_other_programs_say_is_put_in_words_in_one_place()
    {
        var root = Repository.Path("src");
        Assert.DoesNotContain(Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories),
            f => File.ReadAllText(f).Contains("Message.TrimEnd('.')", StringComparison.Ordinal)
                && Path.GetFileName(f) != "ForeignText.cs");
    }

    [GeneratedRegex(@"(^|[^\w.])(System\.IO\.)?File\.(ReadAll\w+|ReadLines|OpenRead|OpenHandle|OpenText)\("
        + @"|new FileStream\([^;]*FileMode\.Open, FileAccess\.Read,", RegexOptions.ExplicitCapture)]
    private static partial Regex Opening();
}
