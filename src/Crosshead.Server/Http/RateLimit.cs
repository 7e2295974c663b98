namespace Crosshead.Server.Http;

/// <summary>
/// Limits how many requests each client may send. A client has a minute's requests, and used ones come back evenly, one
/// every 60 ÷ <paramref name="perMinute"/> seconds.
/// </summary>
/// <param name="perMinute">Requests per minute of a client; null for no limit.</param>
/// <param name="clients">Number of clients that are told apart.</param>
/// <param name="clock">Measures the time.</param>
internal sealed class RateLimit(int? perMinute, int clients, TimeProvider clock)
{
    private readonly Lock _gate = new();
    private readonly long[] _whole = new long[clients]; // when a client has all of its requests again

    /// <summary>Uses one of a client's requests.</summary>
    /// <param name="client">The client, by its number from 0.</param>
    /// <returns>The error if it has none left; otherwise null.</returns>
    public ApiException? Use(int client)
    {
        if (perMinute is not { } most) return null;
        var minute = 60 * clock.TimestampFrequency;
        long missing;
        lock (_gate)
        {
            var now = clock.GetTimestamp();
            var whole = Math.Max(_whole[client], now) + minute / most;
            missing = whole - now - minute;
            if (missing <= 0) _whole[client] = whole;
        }
        if (missing <= 0) return null;
        var seconds = (missing + clock.TimestampFrequency - 1) / clock.TimestampFrequency;
        return new ApiException(429, "rate_limit_exceeded",
            $"this client has used its {most} requests a minute; try again in {seconds} s.")
        {
            RetryAfter = (int)Math.Min(seconds, 60),
        };
    }
}
