using System.Collections.Concurrent;
using System.Diagnostics;
using Crosshead.Serving;

namespace Crosshead.Server.Metrics;

/// <summary>
/// What a server counts. The names are a contract: dashboards break when one changes, so that a test holds them.
/// </summary>
internal sealed class ServerMetrics
{
    private readonly Histogram _firstToken = new(Histogram.Seconds), _gap = new(Histogram.Seconds),
        _whole = new(Histogram.Seconds), _queue = new(Histogram.Seconds), _prefill = new(Histogram.Seconds),
        _decode = new(Histogram.Seconds), _prompt = new(Histogram.Tokens), _answer = new(Histogram.Tokens),
        _step = new(Histogram.Tokens);

    private readonly ConcurrentDictionary<string, long> _finished = new(), _rejected = new();
    private long _ignored;

    /// <summary>Counts the tokens of one step of the engine.</summary>
    public void Stepped(int tokens, double seconds) => _step.Add(tokens);

    /// <summary>Counts the time between two tokens of a choice.</summary>
    public void TokenGap(double seconds) => _gap.Add(seconds);

    /// <summary>Counts fields that were ignored.</summary>
    public void Ignored(int fields) => Interlocked.Add(ref _ignored, fields);

    /// <summary>Counts a request that was not taken.</summary>
    /// <param name="reason">The error's code.</param>
    public void Rejected(string reason) => Count(_rejected, reason);

    /// <summary>Counts answers that their client did not wait for.</summary>
    public void Aborted(int answers) => _finished.AddOrUpdate("abort", answers, (_, count) => count + answers);

    /// <summary>Counts a call that ended.</summary>
    /// <param name="call">The call.</param>
    /// <param name="arrived">When its request arrived, in ticks of <see cref="Stopwatch"/>.</param>
    /// <param name="answers">The number of tokens of each of its choices, and why each ended.</param>
    public void Ended(EngineCall call, long arrived, IEnumerable<(int Tokens, string Reason)> answers)
    {
        foreach (var (tokens, reason) in answers)
        {
            Count(_finished, reason);
            _answer.Add(tokens);
        }
        _prompt.Add(call.PromptTokens);
        var times = call.Times;
        _whole.Add(Stopwatch.GetElapsedTime(arrived).TotalSeconds);
        Span(_firstToken, arrived, times.FirstToken);
        Span(_queue, times.Arrived, times.Started);
        Span(_prefill, times.Started, times.FirstToken);
        Span(_decode, times.FirstToken, times.Ended);
    }

    /// <summary>Writes all metrics.</summary>
    public string Write(string prefix, ServedModel? model)
    {
        var text = new PrometheusText(prefix, model?.Names[0] ?? "");
        if (model is not null) WriteEngine(text, model);
        text.Begin("request_success_total", "counter", "Answers that ended, by why.");
        foreach (var (reason, count) in _finished.OrderBy(p => p.Key, StringComparer.Ordinal))
            text.Sample("request_success_total", count, ("finished_reason", reason));
        text.Begin("requests_rejected_total", "counter", "Requests that were answered with an error, by its code.");
        foreach (var (reason, count) in _rejected.OrderBy(p => p.Key, StringComparer.Ordinal))
            text.Sample("requests_rejected_total", count, ("reason", reason));
        text.Single("ignored_fields_total", "counter", "Fields of requests that are unknown here and were ignored.",
            Interlocked.Read(ref _ignored));
        text.Single("gc_pause_seconds_total", "counter", "Seconds in which .NET stood still to collect garbage.",
            GC.GetTotalPauseDuration().TotalSeconds);
        text.Single("gc_collections_total", "counter", "Collections of garbage.", GC.CollectionCount(0));
        WriteHistogram(text, _firstToken, "time_to_first_token_seconds", "Time from arrival to the first token.");
        WriteHistogram(text, _gap, "inter_token_latency_seconds", "Time between two tokens of an answer.");
        WriteHistogram(text, _whole, "e2e_request_latency_seconds", "Time from arrival to the last token.");
        WriteHistogram(text, _queue, "request_queue_time_seconds", "Time in the queue.");
        WriteHistogram(text, _prefill, "request_prefill_time_seconds", "Time for the prompt.");
        WriteHistogram(text, _decode, "request_decode_time_seconds", "Time from the first to the last token.");
        WriteHistogram(text, _prompt, "request_prompt_tokens", "Tokens of a prompt.");
        WriteHistogram(text, _answer, "request_generation_tokens", "Tokens of an answer.");
        WriteHistogram(text, _step, "iteration_tokens_total", "Tokens computed in a step.");
        return text.ToString();
    }

    private static void WriteEngine(PrometheusText text, ServedModel model)
    {
        var now = model.Engine.Statistics;
        text.Single("num_requests_running", "gauge", "Answers that are being computed.", now.Running);
        text.Single("num_requests_waiting", "gauge", "Answers that wait for a slot.", now.Waiting);
        text.Single("kv_cache_usage_perc", "gauge", "Share of the cache's pages that sequences use, 0 to 1.",
            now.Pages == 0 ? 0 : (double)(now.Pages - now.FreePages - now.CachedPages) / now.Pages);
        text.Single("pages_free", "gauge", "Pages of the cache that hold nothing.", now.FreePages);
        text.Single("pages_cached", "gauge", "Pages that hold a computed prefix and that nobody uses.",
            now.CachedPages);
        text.Single("prompt_tokens_total", "counter", "Tokens of prompts.", now.PromptTokens);
        text.Single("generation_tokens_total", "counter", "Tokens that were drawn.", now.GeneratedTokens);
        text.Single("prefix_cache_queries_total", "counter", "Tokens looked for among computed prefixes.",
            now.PrefixQueries);
        text.Single("prefix_cache_hits_total", "counter", "Tokens found there.", now.PrefixHits);
        text.Single("step_seconds_total", "counter", "Seconds of all steps of the engine.", now.StepSeconds);
        text.Single("step_compute_seconds_total", "counter", "Seconds of them in which the model computed.",
            now.ComputeSeconds);
        text.Single("steps_total", "counter", "Steps of the engine.", now.Steps);
        text.Single("num_preemptions_total", "counter", "How often a sequence gave its pages to another.",
            now.Preemptions);
        if (model.GraphCaptures is { } captures)
            text.Single("graph_captures_total", "counter", "Captured graphs.", captures());
    }

    private static void WriteHistogram(PrometheusText text, Histogram histogram, string name, string help)
    {
        text.Begin(name, "histogram", help);
        histogram.Write(text, name);
    }

    private static void Span(Histogram histogram, long from, long to)
    {
        if (from != 0 && to != 0) histogram.Add(Math.Max(0, Stopwatch.GetElapsedTime(from, to).TotalSeconds));
    }

    private static void Count(ConcurrentDictionary<string, long> counts, string key) =>
        counts.AddOrUpdate(key, 1, (_, count) => count + 1);
}
