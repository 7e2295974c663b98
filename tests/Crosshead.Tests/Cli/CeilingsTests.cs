using Crosshead.Cli.Benchmarking;

namespace Crosshead.Tests.Cli;

public sealed class CeilingsTests
{
    // 10 GFLOP/s, 10 GB/s.
    private static readonly Ceilings Measured = new(10e9, 10e9, Busy: false);

    private static BenchCase Case(double flops, double bytes, double median, double fastest, bool cached = false) =>
        new("a case", new Timing(median, fastest, 2 * median, 5), 1, flops, bytes, bytes) { Cached = cached };

    [Fact]
    public void Cases_below_the_ceilings_leave_them_as_they_are()
    {
        var ceilings = Measured.Including([Case(5e9, 2e9, median: 1, fastest: 0.9)]);
        Assert.Equal(Measured, ceilings);
        Assert.Equal(0.5, Case(5e9, 2e9, 1, 0.9).FlopShare(ceilings), 12);
        Assert.Equal(0.2, Case(5e9, 2e9, 1, 0.9).ByteShare(ceilings)!.Value, 12);
    }

    [Fact]
    public void No_case_does_more_than_the_most_that_was_seen()
    {
        var (fast, wide) = (Case(19e9, 1e9, median: 1, fastest: 0.5), Case(1e9, 40e9, median: 2, fastest: 1));
        var ceilings = Measured.Including([fast, wide]);
        Assert.Equal(new Ceilings(38e9, 40e9, Busy: true), ceilings);
        Assert.All([fast, wide], c => Assert.True(c.FlopShare(ceilings) <= 1 && c.ByteShare(ceilings) <= 1));
    }

    [Fact]
    public void What_comes_from_a_cache_is_not_held_against_memory()
    {
        var cached = Case(1e9, 40e9, median: 1, fastest: 1, cached: true);
        var ceilings = Measured.Including([cached]);
        Assert.Equal(Measured, ceilings);
        Assert.Null(cached.ByteShare(ceilings));
    }

    [Fact]
    public void A_benchmark_says_no_share_above_the_whole()
    {
        var run = CliRun.Of("bench", "decode", "--dtype", "bfloat16", "--layers", "1", "--dim", "64", "--vocab", "256",
            "--new-tokens", "8", "--seconds", "0.05", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.All(run.Json["cases"]!.AsArray(), c =>
        {
            Assert.InRange((double)c!["flopShare"]!, 0, 1);
            Assert.True((bool)c["cached"]! ? c["byteShare"] is null : (double)c["byteShare"]! <= 1, c.ToJsonString());
        });
        Assert.NotNull(run.Json["ceilings"]!["busy"]);
    }
}
