using System.Diagnostics;
using Crosshead.Cli.Options;

namespace Crosshead.Tests.Cli;

public sealed class TypedCommandTests
{
    [Fact]
    public void A_shell_reads_back_what_was_typed()
    {
        string[] arguments = ["train", "a.json", "--set", "training.learningRate=3e-3", "", " ", "two words", "it's",
            "\"quoted\"", "$HOME", "`id`", "*", "?", "[a-z]", "{a,b}", "a;b", "a&b", "a|b", "a>b", "a<b", "(a)", "#a",
            "!a", "~", "a\\b", "a\nb", "\t", "'", "''", "é", "%", "@a"];
        var command = TypedCommand.Of(arguments);
        using var shell = Process.Start(new ProcessStartInfo("sh")
        {
            ArgumentList = { "-c", $"crosshead() {{ printf '%s\\0' \"$@\"; }}\n{command}" },
            RedirectStandardOutput = true,
        })!;
        var read = shell.StandardOutput.ReadToEnd();
        shell.WaitForExit();
        Assert.Equal(arguments, read.Split('\0')[..^1]);
    }

    [Fact]
    public void Plain_arguments_have_no_quotes() => Assert.Equal("crosshead bench serve http://[::1]:80/v1 --rate 0.5",
        TypedCommand.Of(["bench", "serve", "http://[::1]:80/v1", "--rate", "0.5"]).Replace("'", ""));
}
