using Crosshead.Server;
using Crosshead.Server.Http;
using Crosshead.Tests.Serving;

namespace Crosshead.Tests.Server;

/// <summary>How many requests a client may send.</summary>
public sealed class RateLimitTests
{
    [Fact]
    public void A_client_has_a_minutes_requests_which_come_back_evenly()
    {
        var clock = new ManualClock();
        var limit = new RateLimit(4, 2, clock);
        for (var i = 0; i < 4; i++) Assert.Null(limit.Use(0));
        Assert.Equal(15, limit.Use(0)!.RetryAfter);
        clock.Advance(TimeSpan.FromSeconds(14.5));
        Assert.Equal(1, limit.Use(0)!.RetryAfter);
        clock.Advance(TimeSpan.FromSeconds(0.5));
        Assert.Null(limit.Use(0));
        Assert.Equal(15, limit.Use(0)!.RetryAfter);
        Assert.Null(limit.Use(1));
        clock.Advance(TimeSpan.FromHours(1));
        for (var i = 0; i < 4; i++) Assert.Null(limit.Use(0));
        Assert.NotNull(limit.Use(0));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(ServerOptions.LargestRate)]
    public void Over_a_long_time_a_client_gets_its_rate_and_a_minutes_requests(int perMinute)
    {
        var clock = new ManualClock();
        var limit = new RateLimit(perMinute, 1, clock);
        long taken = 0, asked = 0;
        for (var second = 0; second < 120; second++, clock.Advance(TimeSpan.FromSeconds(1)))
            for (var i = 0; i < perMinute / 20 + 1; i++, asked++) taken += limit.Use(0) is null ? 1 : 0;
        Assert.InRange(taken, Math.Min(asked, 2L * perMinute), 3L * perMinute);
    }

    [Fact]
    public void Without_a_limit_nothing_is_refused()
    {
        var limit = new RateLimit(null, 1, new ManualClock());
        for (var i = 0; i < 1000; i++) Assert.Null(limit.Use(0));
    }
}
