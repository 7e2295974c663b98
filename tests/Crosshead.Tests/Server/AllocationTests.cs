using System.IO.Pipelines;
using System.Text.Json;
using Crosshead.Server.Answers;
using Crosshead.Server.Fields;
using Crosshead.Server.Http;
using Crosshead.Server.Metrics;
using Crosshead.Server.Requests;
using Crosshead.Serving;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Crosshead.Tests.Server;

/// <summary>What writing the events of a token may allocate.</summary>
public sealed class AllocationTests
{
    private const int Tokens = 2000, BytesPerToken = 512;

    [Fact]
    public async Task A_token_of_a_streamed_chat_costs_little()
    {
        var engine = new FakeEngine(TestServer.Tokenizer) { Gate = new TaskCompletionSource().Task };
        var model = TestServer.Model(engine);
        using var body = JsonDocument.Parse("""{"messages":[{"role":"user","content":"Hi"}],"stream":true}""");
        var request = ChatRequest.Read(new FieldValues(body.RootElement, ChatFields.Table), model, new(),
            new Constraints(model));
        using var calls = CallGroup.Submit(engine,
            [request.Settings.For(request.Prompt.Ids, 100, null, null)], new ServerMetrics(), 1);
        var answer = new ChatAnswer(request, model, calls);
        var http = new DefaultHttpContext();
        var output = new Discarded();
        http.Features.Set<IHttpResponseBodyFeature>(new Body(output));
        await using var stream = new EventStream(http, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
        var choice = calls.Choices[0];
        var allocated = Allocations.Of(() =>
        {
            for (var i = 0; i < Tokens; i++)
            {
                var step = new EngineEvent(0, 70, " one", null, null);
                choice.Take(step);
                answer.WriteEvents(stream, choice, step);
            }
        });
        Assert.InRange(allocated / Tokens, 0, BytesPerToken);
        Assert.True(output.Written > Tokens * 100);
    }

    private sealed class Discarded : PipeWriter
    {
        private readonly byte[] _buffer = new byte[1 << 16];

        public long Written { get; private set; }

        public override void Advance(int bytes) => Written += bytes;

        public override Memory<byte> GetMemory(int sizeHint = 0) => _buffer;

        public override Span<byte> GetSpan(int sizeHint = 0) => _buffer;

        public override void CancelPendingFlush() { }

        public override void Complete(Exception? exception = null) { }

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => default;
    }

    private sealed class Body(PipeWriter writer) : IHttpResponseBodyFeature
    {
        public Stream Stream => Stream.Null;

        public PipeWriter Writer => writer;

        public void DisableBuffering() { }

        public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

        public Task SendFileAsync(string path, long offset, long? count,
            CancellationToken cancellationToken = default) => Task.CompletedTask;

        public Task CompleteAsync() => Task.CompletedTask;
    }
}
