using System.CommandLine;
using System.Text.Json.Nodes;
using Crosshead.Cli.Completion;
using Crosshead.Cli.Terminal;

namespace Crosshead.Cli.Commands;

/// <summary>
/// <c>crosshead completion</c>: writes a script with which a shell completes commands, options and values.
/// </summary>
internal sealed class CompletionCommand : CliCommand
{
    private static readonly string[] s_shells = ["bash", "zsh", "fish"];

    private readonly Argument<string> _shell = new("SHELL")
    {
        Description = $"The shell: {string.Join(", ", s_shells)}.",
        HelpName = string.Join('|', s_shells),
    };

    /// <summary>Describes the command.</summary>
    public CompletionCommand() : base("completion",
        "Write a script by which your shell completes commands, options and values with the Tab key.",
        "crosshead completion bash > ~/.local/share/bash-completion/completions/crosshead",
        "crosshead completion zsh > ~/.zfunc/_crosshead",
        "crosshead completion fish > ~/.config/fish/completions/crosshead.fish") => Arguments.Add(_shell);

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var shell = arguments.GetRequiredValue(_shell);
        if (!s_shells.Contains(shell))
            throw new CrossheadException($"the shell \"{shell}\" is unknown; {Suggestion.For(shell, s_shells)}");
        return (output, _) => Write(shell, output);
    }

    private static int Write(string shell, CommandOutput output)
    {
        using var script = new StreamReader(
            typeof(ShellCompletion).Assembly.GetManifestResourceStream($"Crosshead.Cli.Completion.crosshead.{shell}")!);
        var text = script.ReadToEnd();
        output.Text(text);
        output.Result(new JsonObject { ["shell"] = shell, ["script"] = text });
        return ExitCode.Done;
    }
}
