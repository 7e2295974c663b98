using System.Diagnostics;

namespace Crosshead.Tests.Cli;

public sealed class RanksOptionTests
{
    [Fact]
    public void More_ranks_than_the_processors_can_run_are_refused_before_any_starts()
    {
        var most = 4 * Environment.ProcessorCount;
        Assert.SkipWhen(most >= 1024, "this machine's processors may run as many ranks as the option takes");
        Assert.Equal($"--ranks ({most + 1}) is more than 4 for each of this machine's {Environment.ProcessorCount} "
            + $"processors; give at most {most}.", CliRun.Of("doctor", "--ranks", $"{most + 1}").Refusal());
    }

    [Fact]
    public void A_folder_of_temporary_files_where_ranks_cannot_meet_is_named_before_any_starts()
    {
        using var folder = new TemporaryFolder();
        var longName = folder.File(new string('x', 120));
        Directory.CreateDirectory(longName);
        foreach (var (temporary, why) in new[]
            { (folder.File("none"), "it does not exist"), (longName, "its name is too long for sockets") })
        {
            Assert.Equal($"the ranks cannot meet in \"{temporary}/\": {why}; set TMPDIR to a folder that can be "
                + "written to and has a short name.\n", ErrorWith(temporary));
            Assert.Empty(Directory.EnumerateFileSystemEntries(longName));
        }
    }

    private static string ErrorWith(string temporaryFiles)
    {
        var start = ProgramTests.Start(AppContext.BaseDirectory, ["doctor", "--ranks", "2"]);
        start.Environment["TMPDIR"] = temporaryFiles;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(2, process.ExitCode);
        return error;
    }
}
