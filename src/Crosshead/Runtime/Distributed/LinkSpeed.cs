using System.Diagnostics;

namespace Crosshead.Runtime.Distributed;

/// <summary>How fast two ranks exchange bytes, both ways at once.</summary>
/// <param name="BytesPerSecond">Bytes that each of the two gets a second.</param>
/// <param name="Latency">Time of an exchange of 8 bytes.</param>
public sealed record LinkSpeed(double BytesPerSecond, TimeSpan Latency)
{
    private const int Large = 1 << 24, Small = 8; // bytes
    private const int LargeTries = 5, SmallTries = 200;

    /// <summary>Measures a pair of ranks, while the others wait. All ranks must call it, and get the same.</summary>
    /// <param name="communicator">The ranks.</param>
    /// <param name="first">One rank of the pair.</param>
    /// <param name="second">The other one.</param>
    public static LinkSpeed Measure(ICommunicator communicator, int first, int second)
    {
        ArgumentNullException.ThrowIfNull(communicator);
        var own = (Large / Fastest(communicator, first, second, Large, LargeTries),
            Fastest(communicator, first, second, Small, SmallTries));
        var (speed, seconds) = communicator.AllGather(own)[first];
        return new LinkSpeed(speed, TimeSpan.FromSeconds(seconds));
    }

    // The shortest time in seconds, of this rank.
    private static unsafe double Fastest(ICommunicator communicator, int first, int second, int bytes, int tries)
    {
        var lengths = new long[communicator.Ranks];
        var inPair = communicator.Rank == first || communicator.Rank == second;
        if (inPair) lengths[communicator.Rank == first ? second : first] = bytes;
        byte[] send = new byte[inPair ? bytes : 0], receive = new byte[inPair ? bytes : 0];
        var fastest = double.PositiveInfinity;
        fixed (byte* from = send, into = receive)
            for (var i = 0; i < tries; i++)
            {
                var start = Stopwatch.GetTimestamp();
                communicator.AllToAll(from, lengths, into, lengths);
                fastest = Math.Min(fastest, Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        return fastest;
    }
}
