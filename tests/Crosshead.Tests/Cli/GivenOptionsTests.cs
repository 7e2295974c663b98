using System.CommandLine;
using Crosshead.Cli.Options;

namespace Crosshead.Tests.Cli;

public sealed class GivenOptionsTests
{
    private readonly Option<int> _first = new("--first") { DefaultValueFactory = _ => 3 };
    private readonly Option<int?> _second = new("--second");
    private readonly Option<bool> _third = new("--third");

    [Theory]
    [InlineData("", false)]
    [InlineData("--third", false)]
    [InlineData("--first 3", true)] // its default
    public void An_option_is_given_whatever_its_value(string line, bool given) =>
        Assert.Equal(given, Parse(line).IsGiven(_first));

    [Theory]
    [InlineData("", null)]
    [InlineData("--third", null)]
    [InlineData("--second 1", "--second is of no use; leave it out.")]
    [InlineData("--second 1 --first 3", "--first is of no use; leave it out.")]
    public void The_first_of_those_that_are_of_no_use_is_refused(string line, string? told)
    {
        var arguments = Parse(line);
        void Refuse() => arguments.Refuse("is of no use; leave it out.", null, _first, _second);
        if (told is null) Refuse();
        else Assert.Equal(told, Assert.Throws<CrossheadException>(Refuse).Message);
    }

    private ParseResult Parse(string line) => new RootCommand { _first, _second, _third }.Parse(line);
}
