using System.CommandLine;

namespace Crosshead.Cli.Commands;

/// <summary>Every command of the program, in the order in which the help lists them.</summary>
internal static class CommandList
{
    /// <summary>
    /// Makes the commands. Making a command only describes it, and loads none of the libraries that compute.
    /// </summary>
    public static IEnumerable<Command> All()
    {
        yield return new DemoCommand();
        yield return new DoctorCommand();
        yield return new CommandGroup("tokenizer", "Train a tokenizer, and turn text into token ids and back.",
            "crosshead tokenizer train notes.txt --vocab 8192 --out tokenizer.json",
            new TokenizerTrainCommand(), new TokenizerEncodeCommand(), new TokenizerDecodeCommand());
        yield return new CommandGroup("data", "Prepare text for training, or let a model or a rule write it.",
            "crosshead data prepare notes.txt --tokenizer tokenizer.json --out data/notes", new DataPrepareCommand(),
            new DataGenerateCommand(), new DataRecallCommand());
        yield return new TrainCommand();
        yield return new SweepCommand();
        yield return new GenerateCommand();
        yield return new ServeCommand();
        yield return new ChatCommand();
        yield return new InfoCommand();
        yield return new VerifyCommand();
        yield return new ProfileCommand();
        yield return new CompressCommand();
        yield return new ExportCommand();
        yield return new QuantizeCommand();
        yield return new EvalCommand();
        yield return new PerplexityCommand();
        yield return new CommandGroup("bench", "Time the parts: warm-up, medians, and the share of what the device "
            + "does at most.", "crosshead bench attention --variants gqa,mea",
            new BenchAttentionCommand(), new BenchTrainCommand(), new BenchDecodeCommand(), new BenchGenerateCommand(),
            new BenchCacheCommand(), new BenchServeCommand());
        yield return new CompletionCommand();
    }
}
