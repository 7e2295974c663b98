using System.CommandLine;
using Crosshead.Cli.Commands;
using Crosshead.Runtime;
using Crosshead.TextModels;

namespace Crosshead.Cli.Options;

/// <summary>The model a command works on.</summary>
internal static class ModelArgument
{
    // With these options perhaps no model is opened, or in another way.
    private static readonly string[] s_generating =
        [GenerateCommand.CommandName, ChatCommand.CommandName, ServeCommand.CommandName],
        s_other = [ComputeOptions.DeviceName, ThreadsOption.Name, ParsedAction.HelpName, ParsedAction.HelpLetter,
            ParsedAction.HelpSign];

    /// <summary>The argument MODEL: a model directory or a GGUF file.</summary>
    public static Argument<string> Create() =>
        new("MODEL")
        {
            Description = "Model directory (config.json, model.safetensors, tokenizer.json), or GGUF file.",
        };

    /// <summary>
    /// Begins to open the model of a command that generates text on the processor, while the command line is read. That
    /// takes as long as to read a tokenizer, and leaves other cores idle.
    /// </summary>
    /// <param name="args">The arguments after the program's name.</param>
    public static void Begin(string[] args)
    {
        if (args is [var command, var model, ..] && s_generating.Contains(command) && !model.StartsWith('-')
            && !args.Any(IsOther) && Path.Exists(model) && !ComputeDevice.MayBeCuda("auto"))
            ModelSource.Begin(model);
    }

    private static bool IsOther(string arg) => s_other.Any(option => arg.StartsWith(option, StringComparison.Ordinal));
}
