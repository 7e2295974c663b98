using System.Net;

namespace Crosshead.Benchmarks.Survival;

/// <summary>What a client saw of an answer.</summary>
/// <param name="End">How it ended.</param>
/// <param name="Status">Its status; null if none came.</param>
/// <param name="Text">The text of a stream, or the whole body.</param>
/// <param name="Seconds">From the sending to the end.</param>
/// <param name="Times">When the events of a stream came, in seconds from the sending.</param>
internal sealed record Answer(AnswerEnd End, HttpStatusCode? Status, string Text, double Seconds,
    IReadOnlyList<double> Times)
{
    /// <summary>Times between events, in milliseconds.</summary>
    public IEnumerable<double> Gaps => Times.Skip(1).Zip(Times, (later, earlier) => 1000 * (later - earlier));
}

/// <summary>How an answer ended.</summary>
internal enum AnswerEnd
{
    /// <summary>All of it came.</summary>
    Whole,

    /// <summary>An error came instead, with its status.</summary>
    Refused,

    /// <summary>The connection broke within the answer.</summary>
    Broken,

    /// <summary>Nobody answered the connection.</summary>
    Unreachable,

    /// <summary>The client left.</summary>
    Left,

    /// <summary>It looked whole and was not.</summary>
    Wrong,
}
