using System.Net;
using System.Text;

namespace Crosshead.Tests.Cli.LoadTesting;

/// <summary>
/// Answers requests without a network. Each event of a stream moves a virtual clock when it is read, so the times that
/// a client measures are exact.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="events">The events of every answer: the seconds before each, and its data.</param>
internal sealed class ScriptedServer(VirtualTime time, params (double Wait, string Data)[] events) : HttpMessageHandler
{
    public List<string> Bodies { get; } = [];

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request,
        CancellationToken cancellationToken)
    {
        var path = request.RequestUri!.AbsolutePath;
        if (path == "/v1/models")
            return new HttpResponseMessage { Content = new StringContent("""{"data":[{"id":"scripted"}]}""") };
        if (path is not ("/v1/completions" or "/v1/chat/completions"))
            return new HttpResponseMessage(HttpStatusCode.NotFound) { RequestMessage = request };
        var body = await request.Content!.ReadAsStringAsync(cancellationToken);
        lock (Bodies) Bodies.Add(body);
        var content = new StreamContent(new Events(time, events));
        content.Headers.ContentType = new("text/event-stream");
        return new HttpResponseMessage { Content = content };
    }

    private sealed class Events(VirtualTime time, (double Wait, string Data)[] events) : MemoryStream
    {
        private int _next;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_next == events.Length) return ValueTask.FromResult(0);
            var (wait, data) = events[_next++];
            time.Advance(wait);
            return ValueTask.FromResult(Encoding.UTF8.GetBytes($"data: {data}\n\n", buffer.Span));
        }
    }
}
