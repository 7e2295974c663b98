using System.Diagnostics;
using System.Globalization;
using System.Text;
using Crosshead.Server.Answers;
using Crosshead.Server.Endpoints;
using Crosshead.Server.Http;
using Crosshead.Serving;

namespace Crosshead.Server.Hosting;

/// <summary>Writes one line for each request, at its end.</summary>
/// <param name="write">Takes a line; may be called by several threads at once.</param>
/// <param name="showsPrompts">Whether lines show the beginning of prompts.</param>
internal sealed class RequestLog(Action<string>? write, bool showsPrompts)
{
    private const int MostEnds = 16; // that a line tells one by one

    /// <summary>Writes the line of a request.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="error">What it was answered with, if that was an error.</param>
    /// <param name="gone">Whether the client left before the end.</param>
    public void Write(Exchange exchange, ApiException? error, bool gone)
    {
        if (write is null) return;
        var (request, response) = (exchange.Http.Request, exchange.Http.Response);
        var line = Begin().Append(' ').Append(request.Method).Append(' ').Append(Excerpt.Of(request.Path.Value ?? ""));
        line.Append(' ').Append(gone ? "gone" : response.StatusCode.ToString(CultureInfo.InvariantCulture));
        var seconds = Stopwatch.GetElapsedTime(exchange.Arrived).TotalSeconds;
        line.Append(CultureInfo.InvariantCulture, $" {seconds:0.000} s");
        line.Append(" id=").Append(exchange.Id);
        if (exchange.Calls is { } calls)
        {
            var usage = calls.Usage;
            line.Append(CultureInfo.InvariantCulture,
                $" prompt={usage.Prompt} cached={usage.Cached} answer={usage.Answer}");
            Times(line, calls.Times, exchange.Arrived, calls.Choices[0].Ids.Count);
            Ends(line, calls.Choices);
        }
        if (error is not null && !gone) line.Append($" error={error.Code} ({error.Message})");
        if (showsPrompts && exchange.Prompt is { } prompt) line.Append(" text=").Append(Excerpt.Of(prompt));
        write(line.ToString());
    }

    /// <summary>Writes the details of a fault of the server itself.</summary>
    public void Fault(Exchange exchange, Exception fault) =>
        write?.Invoke(Begin().Append(" fault id=").Append(exchange.Id).Append(' ').Append(fault).ToString());

    // Why the answers ended, in their order; of many, how many for each reason.
    private static void Ends(StringBuilder line, IReadOnlyList<Choice> choices)
    {
        var ends = choices.Select(c => c.Stop is null ? "open" : c.FinishReason);
        line.Append(" end=").AppendJoin(',', choices.Count <= MostEnds ? ends
            : ends.CountBy(end => end).Select(end => $"{end.Value}×{end.Key}"));
    }

    // Waiting, the first token since arrival, and the mean gap between tokens, of the first prompt.
    private static void Times(StringBuilder line, CallTimes times, long arrived, int tokens)
    {
        if (times.Started == 0) return;
        line.Append(CultureInfo.InvariantCulture, $" queue={Milliseconds(times.Arrived, times.Started):0} ms");
        if (times.FirstToken == 0) return;
        line.Append(CultureInfo.InvariantCulture, $" first={Milliseconds(arrived, times.FirstToken):0} ms");
        if (times.Ended == 0 || tokens < 2) return;
        var gap = Milliseconds(times.FirstToken, times.Ended) / (tokens - 1);
        line.Append(CultureInfo.InvariantCulture, $" gap={gap:0.0} ms");
    }

    private static double Milliseconds(long from, long to) =>
        Stopwatch.GetElapsedTime(from, to).TotalMilliseconds;

    private static StringBuilder Begin() =>
        new(DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
}
