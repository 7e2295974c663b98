using Crosshead.Cli.LoadTesting;

namespace Crosshead.Tests.Cli.LoadTesting;

public sealed class LoadProfileTests
{
    private static readonly LoadProfile s_plain = new() { Requests = 100 };

    [Fact]
    public void The_other_options_suggest_the_profile()
    {
        Assert.Equal([new LoadCase("all at once", 100)], s_plain.Cases());
        Assert.Equal([new LoadCase("4 at once", 100) { Concurrency = 4 }], (s_plain with { Concurrency = 4 }).Cases());
        Assert.Equal([new LoadCase("poisson, 2.5/s", 100) { Rate = 2.5, Concurrency = 9 }],
            (s_plain with { Rate = 2.5, Concurrency = 9 }).Cases());
    }

    [Fact]
    public void Each_profile_has_its_cases()
    {
        Assert.Equal([new LoadCase("synchronous", 100) { Concurrency = 1 }],
            (s_plain with { Name = "synchronous" }).Cases());
        Assert.Equal([new LoadCase("constant, 2/s", 100) { Rate = 2, Burstiness = double.PositiveInfinity }],
            (s_plain with { Name = "constant", Rate = 2 }).Cases());
        Assert.Equal([new LoadCase("poisson, 2/s", 100) { Rate = 2, Burstiness = 0.5 }],
            (s_plain with { Name = "poisson", Rate = 2, Burstiness = 0.5 }).Cases());
    }

    [Fact]
    public void A_sweep_sends_few_requests_through_few_streams() => Assert.Equal(
        [(16, 1), (64, 8), (256, 32), (500, 128), (500, null)],
        (s_plain with { Name = "sweep", Requests = 500 }).Cases().Select(c => (c.Requests, c.Concurrency)));

    [Fact]
    public void Concurrencies_make_a_sweep() => Assert.Equal(["2 at once", "all at once"],
        (s_plain with { Concurrencies = [2, null] }).Cases().Select(c => c.Name));

    [Theory]
    [InlineData("bench serve http://h --profile swep", "did you mean \"sweep\"")]
    [InlineData("bench serve http://h --profile constant", "needs --request-rate")]
    [InlineData("bench serve http://h --profile concurrent", "needs --max-concurrency")]
    [InlineData("bench serve http://h --profile sweep --request-rate 2", "--request-rate has no meaning")]
    [InlineData("bench serve http://h --profile constant --request-rate 2 --burstiness 2",
        "--burstiness has no meaning")]
    [InlineData("bench serve http://h --profile synchronous --max-concurrency 2", "--max-concurrency has no meaning")]
    [InlineData("bench serve http://h --concurrencies 1,0", "--concurrencies has \"0\"")]
    [InlineData("bench serve http://h --concurrencies 1,1", "1 twice")]
    [InlineData("bench serve http://h --dataset rando", "did you mean \"random\"")]
    [InlineData("bench serve http://h --dataset sharegpt", "needs --dataset-file")]
    [InlineData("bench serve http://h --dataset prefix --range-ratio 0.5", "--range-ratio has no meaning")]
    [InlineData("bench serve http://h --dataset sharegpt-like --input-len 5", "--input-len has no meaning")]
    [InlineData("bench serve http://h --dataset long-mix --profile sweep", "--profile has no meaning")]
    [InlineData("bench serve http://h --dataset long-mix --num-prompts 1", "at least 2")]
    [InlineData("bench serve http://h --endpoint chats", "did you mean \"chat\"")]
    [InlineData("bench serve http://h --goodput ttft", "ttft:200")]
    [InlineData("bench serve http://h --ignore-eos --openai-fields-only", "--ignore-eos needs")]
    [InlineData("bench serve http://h --tokenizer nowhere", "nowhere")]
    [InlineData("bench serve http://h --api-key clé", "visible ASCII")]
    [InlineData("bench serve host:8080", "is no address of a server")]
    [InlineData("bench serve http://h --request-rate 0", "--request-rate must be a number from")]
    [InlineData("bench serve http://h --out /dev/null/x", "--out")]
    public void What_contradicts_is_refused(string line, string told) =>
        Assert.Contains(told, CliRun.Of(line.Split(' ')).Refusal());
}
