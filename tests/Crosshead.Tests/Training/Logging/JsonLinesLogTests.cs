using System.Text.Json;
using Crosshead.Training.Logging;

namespace Crosshead.Tests.Training.Logging;

public sealed class JsonLinesLogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("crosshead-log").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string LogPath => Path.Combine(_folder, "run", "log.jsonl");

    internal static TrainingStepRecord Record(long step, double loss = 2.5) => new()
    {
        Step = step,
        Tokens = step * 2048,
        Loss = loss,
        LearningRate = 3e-4,
        GradientNorm = 0.75,
        TokensPerSecond = 3300.5,
        Time = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
    };

    private void WriteSteps(int first, int last, long? resumedStep = null)
    {
        using var log = new JsonLinesLog(LogPath, resumedStep);
        for (var step = first; step <= last; step++) log.Write(Record(step));
    }

    [Fact]
    public void A_line_holds_what_is_known_and_nothing_else()
    {
        using (var log = new JsonLinesLog(LogPath)) log.Write(Record(7));
        Assert.Equal(
            """{"step":7,"tokens":14336,"loss":2.5,"learningRate":0.0003,"gradientNorm":0.75,"tokensPerSecond":3300.5,"spike":false,"time":"2026-01-02T03:04:05+00:00"}"""
                + "\n",
            File.ReadAllText(LogPath));
    }

    [Fact]
    public void What_is_written_is_read_back()
    {
        var full = Record(8) with { HeldOutLoss = 2.25, ShareOfPeak = 0.41, SecondsLeft = 12.5, Spike = true };
        using var log = new JsonLinesLog(LogPath);
        log.Write(Record(7));
        log.Write(full);
        // While the log is still open: each line is flushed.
        Assert.Equal([Record(7), full], JsonLinesLog.Read(LogPath));
    }

    [Theory]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "Infinity")]
    [InlineData(double.NegativeInfinity, "-Infinity")]
    public void Numbers_that_are_not_finite_are_strings_any_reader_accepts(double loss, string text)
    {
        using (var log = new JsonLinesLog(LogPath)) log.Write(Record(1, loss));
        using var parsed = JsonDocument.Parse(File.ReadAllText(LogPath));
        Assert.Equal(text, parsed.RootElement.GetProperty("loss").GetString());
        Assert.Equal(loss, JsonLinesLog.Read(LogPath).Single().Loss);
    }

    [Fact]
    public void Resuming_cuts_later_steps_and_goes_on()
    {
        WriteSteps(1, 10);
        WriteSteps(6, 8, resumedStep: 5);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], JsonLinesLog.Read(LogPath).Select(r => r.Step));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(LogPath)!));
    }

    [Theory]
    [InlineData("{\"step\":4,\"tok")]
    [InlineData("\0\0\0\0")]
    [InlineData("not json\n")]
    public void Resuming_cuts_a_torn_line(string torn)
    {
        WriteSteps(1, 3);
        File.AppendAllText(LogPath, torn);
        WriteSteps(4, 4, resumedStep: 3);
        Assert.Equal([1, 2, 3, 4], JsonLinesLog.Read(LogPath).Select(r => r.Step));
    }

    [Fact]
    public void A_last_line_without_its_end_is_completed_before_the_next()
    {
        WriteSteps(1, 2);
        File.WriteAllText(LogPath, File.ReadAllText(LogPath).TrimEnd('\n'));
        WriteSteps(3, 3, resumedStep: 2);
        Assert.Equal([1, 2, 3], JsonLinesLog.Read(LogPath).Select(r => r.Step));
    }

    [Fact]
    public void Resuming_without_a_log_begins_one() => Assert.Equal([6], WriteAndRead(6, resumedStep: 5));

    [Fact]
    public void A_new_run_begins_the_log_anew()
    {
        WriteSteps(1, 5);
        Assert.Equal([1], WriteAndRead(1, resumedStep: null));
    }

    [Fact]
    public void A_folder_in_the_way_is_told_in_one_line()
    {
        Directory.CreateDirectory(LogPath);
        var error = Assert.Throws<CrossheadException>(() => new JsonLinesLog(LogPath));
        Assert.Contains(LogPath, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_foreign_line_in_the_middle_is_named()
    {
        WriteSteps(1, 2);
        File.WriteAllText(LogPath, "hello\n" + File.ReadAllText(LogPath));
        Assert.Contains("line 1", Assert.Throws<CrossheadException>(() => JsonLinesLog.Read(LogPath)).Message,
            StringComparison.Ordinal);
    }

    private IEnumerable<long> WriteAndRead(int step, long? resumedStep)
    {
        WriteSteps(step, step, resumedStep);
        return JsonLinesLog.Read(LogPath).Select(r => r.Step);
    }
}
