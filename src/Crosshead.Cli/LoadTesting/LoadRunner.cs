using System.Text.Json;
using Crosshead.Cli.Client;
using Crosshead.Cli.LoadTesting.Measures;
using Crosshead.Cli.LoadTesting.Prompts;

namespace Crosshead.Cli.LoadTesting;

/// <summary>Sends the requests of a case, and records what comes back. No request is repeated.</summary>
/// <param name="client">The server.</param>
/// <param name="form">The form of the requests.</param>
/// <param name="time">The clock of all measurements.</param>
internal sealed class LoadRunner(ServerClient client, RequestForm form, TimeProvider time)
{
    /// <summary>Runs a case. After a cancellation the result holds what was measured until then.</summary>
    /// <param name="plan">When requests are sent.</param>
    /// <param name="requests">The requests, as many as the plan says.</param>
    /// <param name="random">Source of the times of requests.</param>
    /// <param name="ended">Called after each request, from any thread, with its record.</param>
    /// <param name="cancellation">Stops the case.</param>
    public async Task<LoadResult> Run(LoadCase plan, IReadOnlyList<LoadRequest> requests, Random random,
        Action<RequestRecord> ended, CancellationToken cancellation)
    {
        var due = Arrivals.Times(requests.Count, plan.Rate, plan.Burstiness, random);
        using var gate = plan.Concurrency is { } most ? new SemaphoreSlim(most) : null;
        using var begun = new CountdownEvent(Math.Max(1, requests.Count(r => !r.IsLong)));
        var othersHaveBegun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var (start, tasks) = (time.GetTimestamp(), new List<Task<RequestRecord?>>());
        var used = Environment.CpuUsage.TotalTime;
        for (var i = 0; i < requests.Count; i++)
        {
            if (!await Wait(due[i], start, cancellation).ConfigureAwait(false)) break;
            tasks.Add(requests[i].IsLong ? Late(requests[i]) : Gated(requests[i]));
        }
        var records = await Task.WhenAll(tasks).ConfigureAwait(false);
        return new LoadResult(plan, [.. records.OfType<RequestRecord>()], time.GetElapsedTime(start).TotalSeconds,
            (Environment.CpuUsage.TotalTime - used).TotalSeconds);

        async Task<RequestRecord?> Late(LoadRequest request)
        {
            await othersHaveBegun.Task.ConfigureAwait(false);
            return await Gated(request).ConfigureAwait(false);
        }

        async Task<RequestRecord?> Gated(LoadRequest request)
        {
            var signalled = request.IsLong ? 1 : 0;
            try
            {
                if (gate is not null) await gate.WaitAsync(cancellation).ConfigureAwait(false);
                try
                {
                    if (cancellation.IsCancellationRequested) return null;
                    var record = await Measure(request, start, HasBegun, cancellation).ConfigureAwait(false);
                    ended(record);
                    return record;
                }
                finally
                {
                    gate?.Release();
                }
            }
            catch (OperationCanceledException)
            {
                return null; // it was not sent
            }
            finally
            {
                HasBegun();
            }

            void HasBegun()
            {
                if (Interlocked.Exchange(ref signalled, 1) == 0 && begun.Signal()) othersHaveBegun.TrySetResult();
            }
        }
    }

    private async Task<RequestRecord> Measure(LoadRequest request, long start, Action hasBegun,
        CancellationToken cancellation)
    {
        var body = form.Body(request);
        var sent = time.GetTimestamp();
        var trace = new AnswerTrace(time.GetElapsedTime(start, sent).TotalSeconds, request.PromptTokens);
        RequestRecord record;
        try
        {
            await foreach (var chunk in client.Stream(form.Path, body, cancellation).ConfigureAwait(false))
            {
                trace.Add(chunk, time.GetElapsedTime(sent).TotalSeconds);
                if (chunk.HasTokens) hasBegun();
            }
            record = trace.Finish();
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            record = trace.End(RequestOutcome.Cancelled, null);
        }
        catch (ServerException e)
        {
            record = trace.End(e.IsOverload ? RequestOutcome.Rejected : RequestOutcome.Failed, e.Message);
        }
        catch (JsonException)
        {
            record = trace.End(RequestOutcome.Failed, "an event of the stream is no JSON object.");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            record = trace.End(RequestOutcome.Failed, $"the connection failed: {ServerClient.Reason(e)}.");
        }
        return record with { IsLong = request.IsLong };
    }

    // False if the case was stopped. Times are counted from the start, so late timers do not add up.
    private async Task<bool> Wait(double due, long start, CancellationToken cancellation)
    {
        var left = TimeSpan.FromSeconds(due) - time.GetElapsedTime(start);
        try
        {
            if (left > TimeSpan.Zero) await Task.Delay(left, time, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
        }
        return !cancellation.IsCancellationRequested;
    }
}
