using System.CommandLine;
using Crosshead.Cli.Commands;
using Crosshead.Cli.Terminal;
using Crosshead.Runtime;
using Crosshead.TextModels;

namespace Crosshead.Cli.Options;

/// <summary>The model a command works on.</summary>
internal static class ModelArgument
{
    private const int LongPrompt = 512; // characters, about as many as the tokens of a pass have

    private static readonly string[] s_generating =
        [GenerateCommand.CommandName, ChatCommand.CommandName, ServeCommand.CommandName];

    // With these options perhaps no model is opened, or in another way.
    private static readonly string[] s_other = [ComputeOptions.DeviceName, ThreadsOption.Name, ParsedAction.HelpName,
        ParsedAction.HelpLetter, ParsedAction.HelpSign];

    // With these options there are probably long prompts, or many.
    private static readonly string[] s_long =
        [PromptArguments.FileName, PromptArguments.FileLetter, GenerateCommand.ManyName];

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
        if (args is not [var command, var model, ..] || !s_generating.Contains(command) || model.StartsWith('-')
            || args.Any(IsOther) || !Path.Exists(model) || ComputeDevice.MayBeCuda("auto"))
            return;
        using (MessageTerm.Use(OptionNames.Table)) // for what is found there
            ModelSource.Begin(model, readsAgain: args.Any(arg => arg.Length > LongPrompt || IsOf(s_long, arg)));
    }

    private static bool IsOther(string arg) => IsOf(s_other, arg);

    private static bool IsOf(string[] options, string arg) =>
        options.Any(option => arg.StartsWith(option, StringComparison.Ordinal));
}
