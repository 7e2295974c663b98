using System.CommandLine;
using System.Text.Json.Nodes;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Data.Shards;
using Crosshead.Runtime;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead data prepare</c>: converts text to token shards.</summary>
internal sealed class DataPrepareCommand : CliCommand
{
    private readonly SourceArguments _source;
    private readonly Option<string> _tokenizer = TokenizerOption.Create();
    private readonly WorkFolder _out = WorkFolder.Required("--out",
        "Folder for the shards and their manifest; the same command goes on with what it left there.");
    private readonly Option<double> _heldOut = NumberOption.WithDefault("--held-out",
        "Share of the documents kept aside for evaluation.", 0.0, 0.5, new DataPreparationOptions().HeldOutFraction);
    private readonly Option<long> _seed = NumberOption.WithDefault("--seed", "Chooses which documents are kept aside.",
        0, long.MaxValue, new DataPreparationOptions().Seed);
    private readonly Option<long> _shardTokens = NumberOption.WithDefault("--shard-tokens",
        "Tokens after which a shard ends.", 1, 1L << 30, new DataPreparationOptions().ShardTokens);

    /// <summary>Describes the command.</summary>
    public DataPrepareCommand() : base("prepare",
        "Turn text into token shards, a part of the documents held out. Run again, it goes on where it was stopped.",
        "crosshead data prepare notes.txt --tokenizer tokenizer.json --out data/notes",
        "crosshead data prepare 'corpus/*.parquet' --field content --tokenizer tokenizer.json --held-out 0.01 "
            + "--out data/corpus")
    {
        _source = new SourceArguments(this);
        Options.Add(_tokenizer);
        Write(_out);
        foreach (var option in new Option[] { _heldOut, _seed, _shardTokens, ThreadsOption.Create() })
            Options.Add(option);
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var options = new DataPreparationOptions
        {
            Source = _source.Options(arguments),
            HeldOutFraction = arguments.GetValue(_heldOut),
            Seed = arguments.GetValue(_seed),
            ShardTokens = arguments.GetValue(_shardTokens),
            Overwrite = arguments.GetValue(Outputs.Overwrite),
            Workers = ComputeThreads.Count,
        };
        options.Validate();
        var tokenizer = TokenizerOption.Load(arguments.GetRequiredValue(_tokenizer));
        _source.Open(arguments);
        return (output, cancellation) =>
            Prepare(_source.Inputs(arguments), tokenizer, _out.In(arguments)!, options, output, cancellation);
    }

    private static int Prepare(string[] inputs, Tokenizer tokenizer, string folder, DataPreparationOptions options,
        CommandOutput output, CancellationToken cancellation)
    {
        DatasetManifest manifest;
        try
        {
            using var progress = output.Progress("preparing", "B");
            manifest = DataPreparation.Run(inputs, tokenizer, folder, options,
                new ImmediateProgress<PreparationProgress>(p =>
                    progress.Report(p.BytesRead, p.TotalBytes, $"{Quantity.Count(p.Tokens)} tokens")), cancellation);
        }
        catch (OperationCanceledException)
        {
            output.Message($"interrupted; what is done is kept in {folder}: run the same command again to go on.");
            return ExitCode.Interrupted;
        }

        Show(folder, manifest, output);
        return ExitCode.Done;
    }

    /// <summary>Shows the content of a data folder.</summary>
    public static void Show(string folder, DatasetManifest manifest, CommandOutput output)
    {
        var table = new ResultTable("split", "documents>", "tokens>", "text>", "shards>");
        table.Row("train", $"{manifest.Train.Documents}", $"{manifest.Train.Tokens}",
            Quantity.Bytes(manifest.Train.Bytes), $"{manifest.Train.Shards.Count}");
        table.Row("held-out", $"{manifest.HeldOut.Documents}", $"{manifest.HeldOut.Tokens}",
            Quantity.Bytes(manifest.HeldOut.Bytes), $"{manifest.HeldOut.Shards.Count}");
        output.Table(table);
        var tokens = manifest.Train.Tokens + manifest.HeldOut.Tokens;
        output.Line($"{(double)(manifest.Train.Bytes + manifest.HeldOut.Bytes) / tokens:0.00} bytes of text a token; "
            + $"train on it with --set {ShellWord.Of($"data.folder={folder}")} --set "
            + $"model.vocabularySize={manifest.VocabularySize}.");
        if (manifest.RowsLeftOut > 0)
            output.Line($"Rows without text (null, empty or white space alone), left out: {manifest.RowsLeftOut}.");
        output.Result(new JsonObject
        {
            ["tokens"] = tokens,
            ["documents"] = manifest.Train.Documents + manifest.HeldOut.Documents,
            ["rowsLeftOut"] = manifest.RowsLeftOut,
            ["vocab"] = manifest.VocabularySize,
            ["dtype"] = manifest.Dtype,
            ["identity"] = manifest.Identity(),
            ["shards"] = new JsonArray(
                [.. Shards(folder, "train", manifest.Train), .. Shards(folder, "held-out", manifest.HeldOut)]),
        });
    }

    private static IEnumerable<JsonNode> Shards(string folder, string split, SplitInfo info) =>
        info.Shards.Select(shard => new JsonObject
        {
            ["path"] = Path.Combine(folder, shard.File),
            ["split"] = split,
            ["tokens"] = shard.Tokens,
            ["documents"] = shard.Documents,
            ["bytes"] = shard.Bytes,
        });
}
