using System.Diagnostics;
using System.Text;
using Crosshead.Cli.Options;

namespace Crosshead.Tests.Cli;

/// <summary>
/// Arguments that are no UTF-8 are refused; a replacement character that was typed is text like any other.
/// </summary>
public sealed class RawArgumentsTests
{
    private static readonly byte[] s_latin = [0x63, 0x61, 0x66, 0xE9]; // café in Latin-1

    [Fact]
    public void Bytes_that_are_no_text_are_refused()
    {
        byte[] line = [.. "dotnet\0crosshead.dll\0generate\0"u8, .. s_latin, 0, .. "--json\0"u8];
        var told = Assert.Throws<CrossheadException>(
            () => RawArguments.Require(["generate", Encoding.UTF8.GetString(s_latin), "--json"], line)).Message;
        Assert.StartsWith("the argument \"caf\uFFFD\" is no UTF-8 text;", told);
    }

    [Fact]
    public void A_replacement_character_that_was_typed_is_taken() =>
        RawArguments.Require(["generate", "caf\uFFFD"], Encoding.UTF8.GetBytes("crosshead\0generate\0caf\uFFFD\0"));

    [Fact]
    public void An_empty_argument_and_other_words_than_the_process_s_are_taken()
    {
        RawArguments.Require(["", "x\uFFFD"], "crosshead\0\0x"u8);
        RawArguments.Require(["a", "b\uFFFD", "c"], "c\0"u8);
    }

    [Fact]
    public void The_program_refuses_them_in_one_line()
    {
        // A shell's $'\xE9' is the byte itself.
        var start = ProgramTests.Start(AppContext.BaseDirectory, ["tokenizer", "encode"]);
        var words = string.Join(' ', start.ArgumentList.Select(a => $"'{a}'"));
        using var shell = Process.Start(
            new ProcessStartInfo("bash", ["-c", $"exec '{start.FileName}' {words} $'caf\\xE9' --tokenizer nowhere"])
            {
                RedirectStandardError = true,
            })!;
        var error = shell.StandardError.ReadToEnd();
        shell.WaitForExit();
        Assert.Equal(2, shell.ExitCode);
        Assert.Contains("is no UTF-8 text", Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }
}
