using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Attention;
using Crosshead.Cli.Ranks;
using Crosshead.Cli.Terminal;
using Crosshead.Files;

namespace Crosshead.Cli.Sweep;

/// <summary>
/// The time of a decoding step of a study's model: the result of <c>crosshead bench decode</c>, stored in the folder of
/// the run that gave the shape.
/// </summary>
internal static class DecodeTime
{
    private const int NewTokens = 64;

    /// <summary>The median of a step in seconds; null if it was not measured.</summary>
    /// <param name="folder">The run's folder.</param>
    public static double? Of(string folder)
    {
        var path = PathIn(folder);
        if (!File.Exists(path)) return null;
        try
        {
            return (double?)JsonNode.Parse(InputFile.ReadText(path))?["cases"]?[0]?["medianSeconds"];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new CrossheadException($"\"{path}\" is damaged; remove it to measure again.", e);
        }
    }

    /// <summary>
    /// Measures steps of one sequence whose cache is as long as the context, in the precision of the training.
    /// </summary>
    /// <param name="run">A finished run of the model.</param>
    /// <returns>Why it could not be measured; null if it was.</returns>
    public static string? Measure(SweepRun run)
    {
        var (model, training) = (run.Recipe.Model, run.Recipe.Training);
        var added = Math.Min(NewTokens, model.Context / 2);
        string[] arguments = ["bench", "decode", "--config", run.Folder, "--variants", model.Attention.Variant.NameOf(),
            "--dtype", training.Dtype, "--device", training.Device, "--prompt-tokens", $"{model.Context - added}",
            "--new-tokens", $"{added}", "--seconds", "1", "--json"];
        var program = OwnProgram.CommandLine;
        using var process = Process.Start(new ProcessStartInfo(program.Program, [.. program.Arguments, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != ExitCode.Done)
            return error.Result.TrimEnd().Split('\n')[^1] is { Length: > 0 } told ? told
                : $"bench decode ended with exit code {process.ExitCode}";
        AtomicFile.WriteText(PathIn(run.Folder), output);
        return null;
    }

    private static string PathIn(string folder) => Path.Combine(folder, "decode.json");
}
