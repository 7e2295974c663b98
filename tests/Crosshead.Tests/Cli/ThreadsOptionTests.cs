using Crosshead.Runtime;

namespace Crosshead.Tests.Cli;

[Collection(Alone.Name)]
public sealed class ThreadsOptionTests
{
    [Fact]
    public void The_option_of_a_command_holds_before_it_runs()
    {
        try
        {
            CliRun.Of("verify", "nothing.safetensors", "--threads", "3").Refusal();
            Assert.Equal(new ThreadChoice(3, "--threads"), ComputeThreads.Choice);
            CliRun.Of("verify", "nothing.safetensors").Refusal();
            Assert.NotEqual("--threads", ComputeThreads.Choice.Reason);
        }
        finally
        {
            ComputeThreads.Use(null);
        }
    }

    [Theory]
    [InlineData("0", "--threads must be a whole number from 1 to 2147483647; got \"0\".")]
    [InlineData("two", "--threads must be a whole number from 1 to 2147483647; got \"two\".")]
    [InlineData("100000", "--threads (100000) must be from 1 to ")]
    public void A_number_out_of_range_is_refused(string value, string message) =>
        Assert.StartsWith(message, CliRun.Of("train", "nothing.json", "--threads", value).Refusal());

    [Fact]
    public void The_doctor_says_how_many_and_why() =>
        Assert.Contains($"{ComputeThreads.Count}: {ComputeThreads.Choice.Reason}", CliRun.Of("doctor").Out);
}
