using Crosshead.Runtime;

namespace Crosshead.Tests.Runtime;

public sealed class ThreadChoiceTests
{
    private static readonly ProcessorLimits s_four = new(4, null);

    [Theory]
    [InlineData(3, "2", "1", 3, "`Threads`")]
    [InlineData(null, "2", "1", 2, "CROSSHEAD_THREADS")]
    [InlineData(null, "", "1", 1, "OMP_NUM_THREADS")]
    [InlineData(null, null, "2,8", 2, "OMP_NUM_THREADS")]
    [InlineData(null, null, "1000", 16, "OMP_NUM_THREADS")]
    [InlineData(null, null, "many", 4, "a thread for each core that this process may run on")]
    [InlineData(null, null, null, 4, "a thread for each core that this process may run on")]
    [InlineData(16, null, null, 16, "`Threads`")]
    public void The_option_wins_then_our_variable_then_that_of_OpenMP_then_the_cores(int? asked, string? ours,
        string? openMp, int count, string reason) =>
        Assert.Equal(new ThreadChoice(count, reason), ThreadChoice.Of(asked,
            name => name == ComputeThreads.Variable ? ours : name == "OMP_NUM_THREADS" ? openMp : null, s_four));

    [Fact]
    public void A_quota_below_the_cores_is_the_reason() =>
        Assert.Equal(new ThreadChoice(2, "a quota of 1.5 cores, rounded up, of 4 that this process may run on"),
            ThreadChoice.Of(null, _ => null, new ProcessorLimits(4, 1.5)));

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(17)]
    public void A_number_out_of_range_is_refused(int asked) => Assert.Equal(
        $"`Threads` ({asked}) must be from 1 to 16, which is 4 for each core that this process may use; use 4, one for "
            + "each core, or leave it out.",
        Assert.Throws<CrossheadException>(() => ThreadChoice.Of(asked, _ => null, s_four)).Message);

    [Theory]
    [InlineData("0")]
    [InlineData("17")]
    [InlineData("two")]
    [InlineData("1.5")]
    public void A_variable_out_of_range_is_refused(string value) => Assert.Equal(
        $"CROSSHEAD_THREADS (\"{value}\") must be a whole number from 1 to 16, which is 4 for each core that this "
            + $"process may use; correct it or unset it.",
        Assert.Throws<CrossheadException>(
            () => ThreadChoice.Of(null, name => name == ComputeThreads.Variable ? value : null, s_four)).Message);
}
