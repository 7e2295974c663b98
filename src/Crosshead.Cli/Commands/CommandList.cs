using System.CommandLine;

namespace Crosshead.Cli.Commands;

/// <summary>
/// Every command of the program. Making a command only describes it, and loads none of the libraries that compute. But
/// describing all of them takes longer than most command lines need.
/// </summary>
internal static class CommandList
{
    // In the order in which the help lists them.
    private static readonly (string Name, Func<Command> Make)[] s_commands =
    [
        ("demo", () => new DemoCommand()),
        ("doctor", () => new DoctorCommand()),
        ("tokenizer", () => new CommandGroup("tokenizer", "Train a tokenizer, and turn text into token ids and back.",
            "crosshead tokenizer train notes.txt --vocab 8192 --out tokenizer.json",
            new TokenizerTrainCommand(), new TokenizerEncodeCommand(), new TokenizerDecodeCommand())),
        ("data", () => new CommandGroup("data", "Prepare text for training, or let a model or a rule write it.",
            "crosshead data prepare notes.txt --tokenizer tokenizer.json --out data/notes", new DataPrepareCommand(),
            new DataGenerateCommand(), new DataRecallCommand())),
        ("train", () => new TrainCommand()),
        ("sweep", () => new SweepCommand()),
        (GenerateCommand.CommandName, () => new GenerateCommand()),
        (ServeCommand.CommandName, () => new ServeCommand()),
        (ChatCommand.CommandName, () => new ChatCommand()),
        ("info", () => new InfoCommand()),
        ("verify", () => new VerifyCommand()),
        ("profile", () => new ProfileCommand()),
        ("compress", () => new CompressCommand()),
        ("export", () => new ExportCommand()),
        ("quantize", () => new QuantizeCommand()),
        ("eval", () => new EvalCommand()),
        ("perplexity", () => new PerplexityCommand()),
        ("bench", () => new CommandGroup("bench", "Time the parts: warm-up, medians, and the share of what the device "
            + "does at most.", "crosshead bench attention --variants gqa,mea",
            new BenchAttentionCommand(), new BenchTrainCommand(), new BenchDecodeCommand(), new BenchGenerateCommand(),
            new BenchCacheCommand(), new BenchServeCommand())),
        ("completion", () => new CompletionCommand()),
    ];

    /// <summary>The command that a command line begins with, or all commands.</summary>
    /// <param name="args">The arguments after the program's name.</param>
    public static IEnumerable<Command> For(string[] args)
    {
        var named = Array.FindIndex(s_commands, c => args is [var first, ..] && c.Name == first);
        return named < 0 ? s_commands.Select(c => c.Make()) : [s_commands[named].Make()];
    }
}
