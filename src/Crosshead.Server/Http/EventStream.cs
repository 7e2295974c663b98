using System.Diagnostics;
using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Crosshead.Server.Http;

/// <summary>
/// An answer in events (SSE). Its status and headers are sent with the first event, or with the first comment after a
/// time without events; until then an error can still be a whole answer. Several tasks may write, one at a time.
/// </summary>
internal sealed class EventStream : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly HttpContext _http;
    private readonly PipeWriter _output;
    private readonly Utf8JsonWriter _json;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly TimeSpan _ping, _stall;
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _pinging;
    private long _written = Stopwatch.GetTimestamp();

    /// <summary>A stream that has sent nothing.</summary>
    /// <param name="http">The request.</param>
    /// <param name="ping">The time without events after which a comment is sent.</param>
    /// <param name="stall">The time after which a client that reads nothing is given up.</param>
    public EventStream(HttpContext http, TimeSpan ping, TimeSpan stall)
    {
        (_http, _output, _ping, _stall) = (http, http.Response.BodyWriter, ping, stall);
        _json = new Utf8JsonWriter(_output, JsonOutput.Format);
        _pinging = PingAsync();
    }

    /// <summary>Whether the status was sent.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>Waits for the turn to write; <see cref="Leave"/> ends it.</summary>
    public Task EnterAsync() => _turn.WaitAsync(_http.RequestAborted);

    /// <summary>Ends the turn.</summary>
    public void Leave() => _turn.Release();

    /// <summary>Writes an event; it is sent by <see cref="FlushAsync"/>.</summary>
    /// <param name="write">Writes its JSON.</param>
    /// <param name="state">What of.</param>
    public void Write<T>(Action<Utf8JsonWriter, T> write, T state)
    {
        Begin();
        Raw("data: "u8);
        _json.Reset();
        write(_json, state);
        _json.Flush();
        Raw("\n\n"u8);
    }

    /// <summary>Sends what was written.</summary>
    public async Task FlushAsync()
    {
        if (!HasBegun) return;
        _written = Stopwatch.GetTimestamp();
        var sending = _output.FlushAsync(_http.RequestAborted);
        if (sending.IsCompleted)
        {
            await sending;
            return;
        }
        try
        {
            await sending.AsTask().WaitAsync(_stall);
        }
        catch (TimeoutException)
        {
            _http.Abort();
            await Task.Delay(s_patience, _http.RequestAborted); // which is cancelled soon, on another thread
            throw new OperationCanceledException("the client reads nothing.");
        }
    }

    /// <summary>Writes an event in a turn of its own, and sends it.</summary>
    public async Task SendAsync<T>(Action<Utf8JsonWriter, T> write, T state)
    {
        await EnterAsync();
        try
        {
            Write(write, state);
            await FlushAsync();
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Sends the mark of a whole stream.</summary>
    public async Task EndAsync()
    {
        await EnterAsync();
        try
        {
            Begin();
            Raw("data: [DONE]\n\n"u8);
            await FlushAsync();
        }
        finally
        {
            Leave();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _pinging;
        _ended.Dispose();
        _turn.Dispose();
        await _json.DisposeAsync();
    }

    private void Begin()
    {
        if (HasBegun) return;
        HasBegun = true;
        var response = _http.Response;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no";
        // A slow reader is given its time, however little it reads.
        if (_http.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate) rate.MinDataRate = null;
    }

    private void Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_output.GetSpan(bytes.Length));
        _output.Advance(bytes.Length);
    }

    private async Task PingAsync()
    {
        using var timer = new PeriodicTimer(_ping / 3);
        try
        {
            while (await timer.WaitForNextTickAsync(_ended.Token))
            {
                if (Stopwatch.GetElapsedTime(_written) < _ping || !await _turn.WaitAsync(0)) continue;
                try
                {
                    Begin();
                    Raw(": ping\n\n"u8);
                    await FlushAsync();
                }
                finally
                {
                    Leave();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // the stream has ended, or its reader is gone
        }
    }
}
