using System.Text.Json.Nodes;
using Crosshead.TextModels.Prompts;

namespace Crosshead.Tests.Cli;

/// <summary><c>generate --prompts</c>: a file of prompts.</summary>
public sealed class PromptFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _file, _out;

    public PromptFileTests()
    {
        CliRun.Of("train", TinyRecipe.In(_folder, 1), "--out", _folder.File("run"), "--json");
        _file = _folder.Write("prompts.jsonl", string.Concat(Enumerable.Range(0, 9)
            .Select(i => $"{{\"prompt\": \"word{i}\", \"max_tokens\": {1 + (i % 3)}}}\n")));
        _out = _folder.File("answers.jsonl");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Answers_go_to_standard_output_or_to_a_file_and_the_result_counts_them()
    {
        var shown = Generate("", "--prompts", _file);
        Assert.Equal(0, shown.ExitCode);
        var lines = shown.Out.TrimEnd('\n').Split('\n');
        Assert.Equal(Enumerable.Range(0, 9).Select(i => (i, $"word{i}", 1 + (i % 3))), lines.Select(l =>
            JsonNode.Parse(l)!).Select(n => ((int)n["index"]!, (string)n["prompt"]!, (int)n["tokens"]!)));
        Assert.Contains("9 answers: 18 new tokens at", shown.Error);
        var piped = Generate(File.ReadAllText(_file), "--prompts", "-", "--batch", "2");
        Assert.Equal(shown.Out, piped.Out);
        var written = Generate("", "--prompts", _file, "--out", _out, "--json");
        Assert.Equal((9, 0, _out, 3, 18), ((int)written.Json["answers"]!, (int)written.Json["earlier"]!,
            (string)written.Json["out"]!, (int)written.Json["seed"]!, (int)written.Json["newTokens"]!));
        Assert.Equal(shown.Out, File.ReadAllText(_out));
        Assert.Contains("exists already", Generate("", "--prompts", _file, "--out", _out).Refusal());
        Assert.Equal(0, Generate("", "--prompts", _file, "--out", _out, "--overwrite").ExitCode);
    }

    [Fact]
    public void An_interrupted_command_exits_with_130_and_the_same_command_goes_on()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        var run = CliRun.With("", stop.Token, Line("--prompts", _file, "--out", _out));
        Assert.Equal(130, run.ExitCode);
        Assert.Contains("interrupted", run.Error);
        Assert.Equal(0, Generate("", "--prompts", _file, "--out", _out).ExitCode);
        var whole = File.ReadAllText(_out);
        // A run over a pipe that meets a bad line leaves what it has.
        File.Delete(_out);
        var bad = Generate(string.Concat(File.ReadLines(_file).Take(4).Select(l => l + "\n")) + "bad\n",
            "--prompts", "-", "--out", _out);
        Assert.Contains("standard input, line 5 (bad) is no JSON object", bad.Refusal());
        Assert.Equal(4, File.ReadLines(_out).Count());
        Assert.True(File.Exists(PromptRun.UnfinishedOf(_out)));
        var again = Generate("", "--prompts", _file, "--out", _out, "--json");
        Assert.Equal((9, 4), ((int)again.Json["answers"]!, (int)again.Json["earlier"]!));
        Assert.Equal(whole, File.ReadAllText(_out));
    }

    [Fact]
    public void Options_that_do_not_go_together_are_refused()
    {
        Assert.Contains("--out is for the answers to --prompts", Generate("", "-p", "word1", "--out", _out).Refusal());
        Assert.Contains("give one kind", Generate("", "-p", "word1", "--prompts", _file).Refusal());
        Assert.Contains("name a file for the answers with --out",
            Generate("", "--prompts", _file, "--json").Refusal());
        Assert.Contains("would replace",
            Generate("", "--prompts", _file, "--out", _file, "--overwrite").Refusal());
        Assert.Contains("do not exist", Generate("", "--prompts", _folder.File("none")).Refusal());
        Assert.Contains("line 10 (word) is no JSON object", Generate("", "--prompts",
            _folder.Write("bad.jsonl", File.ReadAllText(_file) + "word"), "--out", _out).Refusal());
        Assert.False(File.Exists(_out));
    }

    [Fact]
    public void Prompts_of_the_command_line_share_the_slots_too()
    {
        string[] prompts = [.. Enumerable.Range(0, 5).SelectMany(i => new[] { "-p", $"word{i}" })];
        var two = Generate("", [.. prompts, "--batch", "2", "--json"]);
        var all = Generate("", [.. prompts, "--json"]);
        Assert.Equal(all.Json["sequences"]!.ToJsonString(), two.Json["sequences"]!.ToJsonString());
    }

    private string[] Line(params string[] options) =>
        ["generate", _folder.File("run"), "--max-tokens", "2", "--seed", "3", .. options];

    private CliRun Generate(string input, params string[] options) => CliRun.With(input, default, Line(options));
}
