using System.CommandLine;
using Crosshead.Cli.Options;

namespace Crosshead.Tests.Cli;

public sealed class NameOptionTests
{
    private readonly Option<string> _first = NameOption.WithDefault("--first", "", "one", "one", "Two");
    private readonly Option<string?> _second = NameOption.Optional("--second", "", "one", "Two");

    [Theory]
    [InlineData("", "one", null)]
    [InlineData("--first Two --second one", "Two", "one")]
    [InlineData("--first TWO --second ONE", "Two", "one")]
    [InlineData("--first two --second One", "Two", "one")]
    public void Upper_and_lower_case_are_one(string line, string first, string? second)
    {
        var arguments = Parse(line);
        Assert.Empty(arguments.Errors);
        Assert.Equal(first, arguments.GetValue(_first));
        Assert.Equal(second, arguments.GetValue(_second));
    }

    [Theory]
    [InlineData("--first")]
    [InlineData("--second")]
    public void Another_name_is_refused_with_the_nearest(string option) =>
        Assert.Equal($"{option} \"TWOO\" is unknown; did you mean \"Two\"? known: one, Two.",
            Assert.Single(Parse($"{option} TWOO").Errors).Message);

    [Fact]
    public void A_type_of_GGUF_files_that_is_unknown_is_refused_with_the_nearest() =>
        Assert.StartsWith("--type \"Q4_K_L\" is unknown; did you mean \"q4_k_m\"? known: f32, ",
            CliRun.Of("quantize", "nowhere", "--type", "Q4_K_L", "--out", "x.gguf").Refusal());

    private ParseResult Parse(string line) => new RootCommand { _first, _second }.Parse(line);
}
