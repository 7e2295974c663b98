using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Crosshead.Benchmarks.Survival;

/// <summary>Sends requests to a server, each on a connection of its own if need be, and records what comes.</summary>
/// <param name="address">The server.</param>
internal sealed class Client(Uri address) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, MaxResponseDrainSize = 0 })
    {
        BaseAddress = address,
        Timeout = TimeSpan.FromMinutes(10),
    };

    /// <summary>The server.</summary>
    public Uri Address => address;

    /// <summary>Whether the server takes requests.</summary>
    public async Task<bool> IsReadyAsync()
    {
        using var response = await _http.GetAsync("/health");
        return response.IsSuccessStatusCode;
    }

    /// <summary>The server's metrics; those with several labels are summed.</summary>
    public async Task<Dictionary<string, double>> MetricsAsync()
    {
        var metrics = new Dictionary<string, double>();
        foreach (var line in (await _http.GetStringAsync("/metrics")).Split('\n'))
        {
            if (line.Length == 0 || line[0] == '#') continue;
            var name = line[(line.IndexOf(':') + 1)..line.IndexOf('{')];
            metrics[name] = metrics.GetValueOrDefault(name)
                + double.Parse(line.AsSpan(line.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture);
        }
        return metrics;
    }

    /// <summary>The number of the server's pages.</summary>
    public async Task<int> PagesAsync() =>
        (int)JsonNode.Parse(await _http.GetStringAsync("/info"))!["limits"]!["pages"]!;

    /// <summary>Forgets computed prefixes.</summary>
    public async Task ClearAsync() => (await PostAsync("/cache/clear", "{}", default)).Dispose();

    /// <summary>Asks for an answer, whole or as a stream.</summary>
    /// <param name="body">The request's fields; a stream if it has <c>stream</c>.</param>
    /// <param name="path">The endpoint.</param>
    /// <param name="begun">Called at the first event of a stream.</param>
    /// <param name="gone">Ends the connection.</param>
    public async Task<Answer> AskAsync(object body, string path = "/v1/completions", Action? begun = null,
        CancellationToken gone = default)
    {
        var clock = Stopwatch.StartNew();
        var text = new StringBuilder();
        var times = new List<double>();
        Answer End(AnswerEnd end, HttpStatusCode? status) =>
            new(end, status, text.ToString(), clock.Elapsed.TotalSeconds, times);
        HttpStatusCode? status = null;
        try
        {
            using var response = await PostAsync(path, JsonSerializer.Serialize(body), gone);
            status = response.StatusCode;
            if (response.Content.Headers.ContentType?.MediaType != "text/event-stream")
            {
                text.Append(await response.Content.ReadAsStringAsync(gone));
                return End(status == HttpStatusCode.OK ? AnswerEnd.Whole : AnswerEnd.Refused, status);
            }
            using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(gone));
            var (finished, failed) = (false, false);
            while (await lines.ReadLineAsync(gone) is { } line)
            {
                if (line == "data: [DONE]") return End(finished ? AnswerEnd.Whole : AnswerEnd.Wrong, status);
                if (!line.StartsWith("data: ", StringComparison.Ordinal)) continue;
                if (times.Count == 0) begun?.Invoke();
                times.Add(clock.Elapsed.TotalSeconds);
                failed |= line.StartsWith("data: {\"error\"", StringComparison.Ordinal);
                if (failed || JsonNode.Parse(line[6..])!["choices"] is not JsonArray { Count: > 0 } choices) continue;
                text.Append((string?)choices[0]!["text"]);
                finished |= choices[0]!["finish_reason"] is not null;
            }
            return End(AnswerEnd.Wrong, status); // a stream without its mark that looks whole
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException)
        {
            return End(gone.IsCancellationRequested ? AnswerEnd.Left
                : status is null ? AnswerEnd.Unreachable : AnswerEnd.Broken, status);
        }
    }

    /// <summary>Sends a body as it is.</summary>
    public async Task<HttpResponseMessage> PostAsync(string path, string json, CancellationToken gone)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(json, Encoding.UTF8, "application/json"),
        };
        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, gone);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();
}
