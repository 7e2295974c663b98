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
}
