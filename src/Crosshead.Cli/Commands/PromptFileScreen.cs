using System.Text.Json.Nodes;
using Crosshead.Cli.Terminal;
using Crosshead.Generation;
using Crosshead.TextModels;
using Crosshead.TextModels.Prompts;

namespace Crosshead.Cli.Commands;

/// <summary>Continues a file of prompts, and shows how far it is.</summary>
/// <param name="files">The model's directory.</param>
/// <param name="load">Loads the model.</param>
/// <param name="output">Takes progress, messages and results.</param>
internal sealed class PromptFileScreen(ModelSource files, Func<TextModel> load, CommandOutput output)
{
    /// <summary>Continues the prompts.</summary>
    /// <param name="prompts">The prompts.</param>
    /// <param name="options">How.</param>
    /// <param name="path">The file for the answers; null for standard output.</param>
    /// <param name="overwrite">Whether the file may be replaced.</param>
    /// <param name="cancellation">Ends the work; what is written stays.</param>
    /// <returns>The exit code.</returns>
    public int Run(PromptFile prompts, GenerationOptions options, string? path, bool overwrite,
        CancellationToken cancellation)
    {
        try
        {
            var extent = Check(prompts, options, cancellation);
            ModelRemarks.Tell(files.Remarks, output);
            using var model = load();
            Show(Continue(new PromptRun(model, prompts, options, extent), path, overwrite, cancellation), path);
            return ExitCode.Done;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            output.Message(path is null ? "interrupted; answers that were complete have been written."
                : File.Exists(PromptRun.UnfinishedOf(path))
                ? $"interrupted; what is done is kept in {path}: run the same command again to go on."
                : "interrupted before the first answer.");
            return ExitCode.Interrupted;
        }
    }

    private PromptExtent? Check(PromptFile prompts, GenerationOptions options, CancellationToken cancellation)
    {
        using var progress = output.Progress("checking", "prompts");
        return PromptRun.Check(prompts, files, options, new ImmediateProgress<long>(done => progress.Report(done)),
            cancellation);
    }

    private PromptResult Continue(PromptRun run, string? path, bool overwrite, CancellationToken cancellation)
    {
        using var line = output.Progress("generating", "prompts");
        var progress = new ImmediateProgress<PromptProgress>(p => line.Report(p.Answers - p.Earlier,
            p.Prompts - p.Earlier, $"{Quantity.Count(p.Tokens)} tokens"));
        return path is null ? run.WriteTo(output.Terminal.Out, progress, cancellation)
            : run.WriteTo(path, overwrite, progress, cancellation);
    }

    private void Show(PromptResult result, string? path)
    {
        var statistics = result.Statistics;
        var seconds = statistics.PrefillSeconds + statistics.DecodeSeconds;
        var rate = seconds > 0 ? statistics.NewTokens / seconds : 0;
        output.Message($"{result.Answers} answer{(result.Answers == 1 ? "" : "s")}{(path is null ? "" : $" in {path}")}"
            + $"{(result.Earlier > 0 ? $", {result.Earlier} of them from an interrupted run" : "")}: "
            + $"{statistics.NewTokens} new tokens at {rate:0} tokens/s, the prompts included.");
        if (result.Full > 0)
            output.Message($"{result.Full} of {result.Answers - result.Earlier} texts ended because the model's "
                + $"context of {files.Options.Context} tokens is full, before the most tokens that were asked for.");
        output.Result(new JsonObject
        {
            ["answers"] = result.Answers,
            ["earlier"] = result.Earlier,
            ["out"] = path,
            ["seed"] = result.Seed,
            ["promptTokens"] = statistics.PromptTokens,
            ["newTokens"] = statistics.NewTokens,
            ["tokensPerSecond"] = rate,
            ["cacheBytes"] = statistics.CacheBytes,
        });
    }
}
