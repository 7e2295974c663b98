using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Data.Recall;
using Crosshead.Files;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead data recall</c>: writes training texts that ask for what they said before.</summary>
internal sealed class DataRecallCommand : CliCommand
{
    private static readonly string s_usual = string.Join(',', RecallTask.Usual.Select(t => t.Name));

    private readonly Option<long> _count = NumberOption.WithDefault("--texts", "Texts to write.", 1, 100_000_000L,
        10_000);
    private readonly Option<string> _tasks = new("--tasks")
    {
        Description = "Tasks, separated by commas. A text has at most the size that its task names.",
        HelpName = "pairs_170,…",
        DefaultValueFactory = _ => s_usual,
    };
    private readonly Option<long> _seed = NumberOption.WithDefault("--seed",
        "Seed of the texts. Probes and evaluation tasks have other texts, whatever the seed.", 0, long.MaxValue, 1);
    private readonly OutputFile _out = OutputFile.Always("--out", "The file to write, a JSON object a line.",
        "recall.jsonl");

    /// <summary>Describes the command.</summary>
    public DataRecallCommand() : base("recall",
        "Write training texts that state facts and then ask for them, so that a small model learns the tasks that "
            + "probes and eval measure.",
        "crosshead data recall --texts 10000 --out recall.jsonl",
        "crosshead data prepare recall.jsonl --tokenizer tokenizer.json --out data/recall",
        "crosshead train recipes/code.json --set data.folders=data/code,data/recall")
    {
        foreach (var option in new Option[] { _count, _tasks, _seed }) Options.Add(option);
        Write(_out);
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var tasks = ListOption.Read(_tasks.Name, arguments.GetRequiredValue(_tasks), RecallTask.Parse, s_usual);
        var (count, seed, path) = (arguments.GetValue(_count), arguments.GetValue(_seed), _out.In(arguments)!);
        return (output, cancellation) =>
        {
            var characters = 0L;
            using (var progress = output.Progress("writing", "texts"))
            {
                AtomicFile.Write(path, stream =>
                {
                    var written = 0L;
                    foreach (var text in RecallCorpus.Write(tasks, seed, count))
                    {
                        cancellation.ThrowIfCancellationRequested();
                        stream.Write(JsonSerializer.SerializeToUtf8Bytes(new JsonObject { ["text"] = text.Text }));
                        stream.WriteByte((byte)'\n');
                        characters += text.Text.Length;
                        progress.Report(++written, count, "");
                    }
                });
            }
            output.Table(new ResultTable("property", "value>").Row("texts", $"{count}")
                .Row("characters", Quantity.Count(characters)).Row("file", path));
            output.Line($"Prepare them with the tokenizer of your other text: crosshead data prepare "
                + $"{ShellWord.Of(path)} --tokenizer tokenizer.json --out data/recall");
            output.Result(new JsonObject { ["texts"] = count, ["characters"] = characters, ["path"] = path });
            return ExitCode.Done;
        };
    }
}
