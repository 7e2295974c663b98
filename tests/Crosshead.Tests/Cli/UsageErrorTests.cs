using Crosshead.Cli.Options;

namespace Crosshead.Tests.Cli;

public sealed class UsageErrorTests
{
    [Fact]
    public void An_unknown_command_is_answered_with_the_nearest() =>
        Assert.StartsWith("unknown command \"dotcor\" of crosshead: did you mean \"doctor\"? known: ",
            CliRun.Of("dotcor").Refusal());

    [Fact]
    public void An_unknown_option_is_answered_with_the_nearest() =>
        Assert.StartsWith("unknown option \"--jsn\" of crosshead doctor: did you mean \"--json\"?",
            CliRun.Of("doctor", "--jsn").Refusal());

    [Theory]
    [InlineData("data prepare notes.txt --tokenzer t.json --out d", "--tokenzer", "data prepare", "--tokenizer")]
    [InlineData("tokenizer train notes.txt --vocb 300 --out t.json", "--vocb", "tokenizer train", "--vocab")]
    [InlineData("verify model --jsn", "--jsn", "verify", "--json")]
    [InlineData("eval model --taks recall", "--taks", "eval", "--tasks")]
    public void An_unknown_option_is_not_taken_for_a_name(string line, string option, string command, string known) =>
        Assert.StartsWith($"unknown option \"{option}\" of crosshead {command}: did you mean \"{known}\"?",
            CliRun.Of(line.Split(' ')).Refusal());

    [Fact]
    public void A_name_may_begin_like_an_option_after_two_dashes() =>
        Assert.Contains("\"--jsn\" does not exist", CliRun.Of("verify", "--", "--jsn").Refusal());

    [Fact]
    public void What_follows_two_dashes_is_no_option() =>
        Assert.Equal("one argument too many for crosshead generate: \"--prompt\"; what follows \"--\" is no option: "
            + "put options before it.", CliRun.Of("generate", "--", "model", "--prompt", "x").Refusal());

    [Fact]
    public void A_text_may_begin_like_an_option() =>
        Assert.DoesNotContain("unknown option", CliRun.Of("tokenizer", "encode", "--tokenizer", "nowhere.json", "--",
            "--text").Refusal());

    [Fact]
    public void A_missing_command_is_answered_with_the_list() =>
        Assert.StartsWith("crosshead needs a command: ", CliRun.Of().Refusal());

    [Fact]
    public void A_missing_argument_is_named() =>
        Assert.StartsWith("crosshead verify needs PATH: ", CliRun.Of("verify").Refusal());

    [Fact]
    public void An_argument_too_many_is_named() =>
        Assert.StartsWith("one argument too many for crosshead doctor: \"extra\"",
            CliRun.Of("doctor", "extra").Refusal());

    [Fact]
    public void An_option_without_its_value_is_named() =>
        Assert.StartsWith("--dtype needs its <float64|float32|bfloat16>: ",
            CliRun.Of("verify", "x", "--dtype").Refusal());

    // An unset variable, as in --text "$FILE", ended in an ArgumentException, or counted as no option at all.
    [Theory]
    [InlineData("perplexity m --text", "--text is empty (\"\"); it needs its <file>: ")]
    [InlineData("eval m --tasks piqa --cache", "--cache is empty (\"\"); it needs its <folder>: ")]
    [InlineData("generate m --prompt", null)]
    [InlineData("chat m --system", null)]
    public void An_empty_value_is_named(string line, string? told)
    {
        var error = UsageError.Describe(CliRun.CommandLine.Root().Parse([.. line.Split(' '), ""]));
        if (told is null) Assert.Null(error);
        else Assert.StartsWith(told, error);
    }

    [Theory]
    [MemberData(nameof(HelpTests.Commands), MemberType = typeof(HelpTests))]
    public void Every_place_that_is_empty_is_refused(string path)
    {
        var names = path.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var command = names.Aggregate(CliRun.CommandLine.Root(),
            (c, name) => c.Subcommands.Single(s => s.Name == name));
        var places = command.Options.Where(o => o.HelpName is "file" or "dir" or "model" or "folder"
            || o.HelpName?.Contains('.') == true);
        foreach (var place in command.Subcommands.Count > 0 ? [] : places)
        {
            var others = command.Options.Where(o => o.Required && o != place).SelectMany(o => new[] { o.Name, "1" });
            var line = names.Concat(command.Arguments.Where(a => a.Arity.MinimumNumberOfValues > 0).Select(_ => "1"))
                .Concat(others).Append(place.Name).Append("").ToArray();
            Assert.StartsWith($"{place.Name} is empty", UsageError.Describe(CliRun.CommandLine.Root().Parse(line)));
        }
    }

    [Fact]
    public void An_option_that_is_given_twice_is_named() =>
        Assert.Equal("--seed is given 2 times (\"1\", \"x\"); give it once.",
            CliRun.Of("generate", "nowhere", "--seed", "1", "--seed", "x").Refusal());

    [Theory]
    [InlineData("--shard", "gradient", "did you mean \"gradients\"? known: none, optimizer, gradients, parameters.")]
    [InlineData("--shard", "Optimiser", "did you mean \"optimizer\"? known: none, optimizer, gradients, parameters.")]
    [InlineData("--reduction", "1", "known: ordered, fast.")]
    [InlineData("--moments", "zzz", "known: master, bfloat16.")]
    public void An_unknown_name_is_answered_with_all(string option, string name, string known) =>
        Assert.Equal($"{option} \"{name}\" is unknown; {known}", CliRun.Of("bench", "train", option, name).Refusal());

    [Fact]
    public void An_unknown_precision_is_answered_with_the_nearest() =>
        Assert.Equal("--dtype \"float23\" is unknown; did you mean \"float64\"? known: float64, float32, bfloat16.",
            CliRun.Of("verify", "x", "--dtype", "float23").Refusal());

    [Fact]
    public void An_unknown_device_is_answered_with_the_nearest() =>
        Assert.StartsWith("device \"gpu\" is unknown; ", CliRun.Of("verify", "README.md", "--device", "gpu").Refusal());
}
