using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Data.Sources;
using Crosshead.Runtime;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Definition;
using Crosshead.Text.Tokenizers.Training;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead tokenizer train</c>: trains a byte-level BPE tokenizer on text.</summary>
internal sealed class TokenizerTrainCommand : CliCommand
{
    private static readonly Dictionary<string, PreTokenizerPattern> s_patterns = new()
    {
        ["gpt2"] = PreTokenizerPattern.Gpt2,
        ["gpt2-digits"] = PreTokenizerPattern.Gpt2Digits,
        ["llama3"] = PreTokenizerPattern.Llama3,
        ["qwen2"] = PreTokenizerPattern.Qwen2,
    };

    private static readonly BpeTrainerOptions s_defaults = new();

    private readonly SourceArguments _source;
    private readonly Option<int> _vocabulary = NumberOption.WithDefault("--vocab", "Tokens wanted, the 256 bytes and "
        + "the end token included.", 256 + s_defaults.SpecialTokens.Count, 1_000_000, s_defaults.VocabularySize);
    private readonly OutputFile _out = OutputFile.WithDefault("--out", "The tokenizer.json to write, or its folder; "
        + "tokenizer_config.json is written beside it.", "file", Tokenizer.FileName, Files, StaysAsItIs);
    private readonly Option<string> _pattern = NameOption.WithDefault("--pattern", "How words are cut.", "gpt2",
        [.. s_patterns.Keys]);

    /// <summary>Describes the command.</summary>
    public TokenizerTrainCommand() : base("train",
        "Train a byte-level BPE tokenizer and write it as Hugging Face's tokenizer.json.",
        "crosshead tokenizer train notes.txt --vocab 8192 --out tokenizer.json",
        "crosshead tokenizer train 'data/*.jsonl.zst' --field content --vocab 32000 --pattern llama3")
    {
        _source = new SourceArguments(this);
        Options.Add(_vocabulary);
        Write(_out);
        Options.Add(_pattern);
        Options.Add(ThreadsOption.Create());
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var pattern = s_patterns[arguments.GetRequiredValue(_pattern)];
        var reader = _source.Open(arguments);
        var options = new BpeTrainerOptions
        {
            VocabularySize = arguments.GetValue(_vocabulary),
            Pattern = pattern,
            Workers = ComputeThreads.Count,
        };
        options.Validate();
        return (output, cancellation) =>
        {
            var clock = Stopwatch.StartNew();
            var tokenizer = Train(reader, options, output, cancellation);
            var path = _out.In(arguments)!;
            tokenizer.Save(path);
            Show(arguments, tokenizer, Files(path)[0], reader.TotalBytes, clock.Elapsed, output);
            return ExitCode.Done;
        };
    }

    private void Show(ParseResult arguments, Tokenizer tokenizer, string file, long bytes, TimeSpan time,
        CommandOutput output)
    {
        output.Table(new ResultTable("property", "value>")
            .Row("tokens", $"{tokenizer.VocabularySize}")
            .Row("end token", $"{tokenizer.EosTokenId} {tokenizer.IdToToken(tokenizer.EosTokenId ?? 0)}")
            .Row("read", Quantity.Bytes(bytes))
            .Row("time", Quantity.Time(time))
            .Row("file", file));
        var wanted = arguments.GetValue(_vocabulary);
        if (tokenizer.VocabularySize < wanted)
            output.Message($"The text repeats too little for {wanted} tokens: {tokenizer.VocabularySize} were found, "
                + $"no other pair of them occurs twice. Give more text, or ask for fewer with --vocab.");
        output.Line($"Prepare training data with it: crosshead data prepare "
            + $"{string.Join(' ', _source.Inputs(arguments).Select(ShellWord.Of))} --tokenizer "
            + $"{ShellWord.Of(file)} --out data");
        output.Result(new JsonObject
        {
            ["vocab"] = tokenizer.VocabularySize,
            ["vocabWanted"] = wanted,
            ["path"] = file,
            ["sha256"] = tokenizer.Sha256,
            ["bytes"] = bytes,
            ["seconds"] = time.TotalSeconds,
        });
    }

    private static Tokenizer Train(DocumentReader reader, BpeTrainerOptions options, CommandOutput output,
        CancellationToken cancellation)
    {
        using ProgressLine reading = output.Progress("counting words", "B"),
        merging = output.Progress("choosing merges", "tokens");
        return BpeTrainer.Train(reader.Read().Select(d => d.Text), options,
            new ImmediateProgress<TokenizerTrainingProgress>(p =>
            {
                if (p.Phase == TokenizerTrainingPhase.Counting)
                    reading.Report(reader.BytesRead, reader.TotalBytes);
                else
                    merging.Report(_ => $"choosing merges: {p.Done} of {p.Total} tokens");
            }), cancellation);
    }

    // A path that does not end in .json names a folder.
    private static IReadOnlyList<string> Files(string path)
    {
        var file = path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? path
            : Path.Combine(path, Tokenizer.FileName);
        return [file, Path.Combine(Path.GetDirectoryName(file)!, Tokenizer.ConfigFileName)];
    }

    // Tokenizers in one folder share the file with the roles of their special tokens. All tokenizers that are trained
    // here have the same roles.
    private static bool StaysAsItIs(string path) =>
        Path.GetFileName(path) == Tokenizer.ConfigFileName && BpeTrainer.SavesSameConfig(s_defaults, path);
}
