using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Cli.Client;
using Crosshead.Generation;
using Crosshead.Text.Chat;

namespace Crosshead.Cli.Chat;

/// <summary>A model of a server with OpenAI's interface.</summary>
/// <param name="client">The server; disposed in the end.</param>
/// <param name="model">The name of the model.</param>
/// <param name="options">How much is generated, and how.</param>
/// <param name="onlyOpenAiFields">Whether fields that OpenAI's interface lacks are left out.</param>
internal sealed class ServerPartner(ServerClient client, string model, GenerationOptions options, bool onlyOpenAiFields)
    : IChatPartner
{
    /// <inheritdoc/>
    public string Name => $"{model} at {client.Address}";

    /// <inheritdoc/>
    public IEnumerable<ChatPiece> Reply(IReadOnlyList<ChatMessage> messages, CancellationToken cancellation)
    {
        var (limits, finish, ended) = (true, (string?)null, false);
        var chunks = Ask(messages, limits, cancellation);
        try
        {
            StreamChunk? next;
            try
            {
                next = Next(chunks, cancellation);
            }
            catch (ServerException e) when (e.Status == HttpStatusCode.BadRequest)
            {
                // A limit above what the context leaves is refused; without one an answer may have what is left.
                (limits, chunks) = (false, Ask(messages, limits: false, cancellation));
                next = Next(chunks, cancellation);
            }
            for (; next is { } chunk; next = Next(chunks, cancellation))
            {
                if (chunk.Reasoning is { Length: > 0 } thought) yield return new ChatPiece(thought, IsThought: true);
                if (chunk.Text is { Length: > 0 } text) yield return new ChatPiece(text);
                finish = chunk.FinishReason ?? finish;
                ended |= chunk.IsEnd || chunk.FinishReason is not null;
            }
            if (finish == "length")
                yield return limits ? Remarks.AtMostTokens(options.MaxTokens)
                    : Remarks.FullContext("server's context");
            else if (!ended && !cancellation.IsCancellationRequested)
                yield return new ChatPiece("", Remark: "The server ended the stream before the answer; ask again.");
        }
        finally
        {
            chunks.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => client.Dispose();

    private IAsyncEnumerator<StreamChunk> Ask(IReadOnlyList<ChatMessage> messages, bool limits,
        CancellationToken cancellation) =>
        client.Stream("/chat/completions", Body(messages, limits), cancellation).GetAsyncEnumerator(cancellation);

    // Null at the end, and after a cancellation.
    private StreamChunk? Next(IAsyncEnumerator<StreamChunk> chunks, CancellationToken cancellation)
    {
        try
        {
            return chunks.MoveNextAsync().AsTask().GetAwaiter().GetResult() ? chunks.Current : null;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return null;
        }
        catch (JsonException)
        {
            throw new ServerException("an event of the server's stream is no JSON object.");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw client.Unreachable(e);
        }
    }

    private byte[] Body(IReadOnlyList<ChatMessage> messages, bool limits)
    {
        var sampling = options.Sampling;
        var body = new JsonObject
        {
            ["model"] = model,
            ["messages"] = new JsonArray([.. messages.Select(ChatTranscript.Json)]),
        };
        if (limits) body["max_completion_tokens"] = options.MaxTokens;
        body["temperature"] = sampling.Temperature;
        body["top_p"] = sampling.TopP;
        body["stream"] = true;
        if (sampling.Seed is { } seed) body["seed"] = seed;
        if (options.StopStrings is { Count: > 0 } stop)
            body["stop"] = new JsonArray([.. stop.Select(s => JsonValue.Create(s))]);
        if (!onlyOpenAiFields)
        {
            if (limits) body["max_tokens"] = options.MaxTokens; // for servers that do not know the newer name
            body["top_k"] = sampling.TopK > 0 ? sampling.TopK : -1;
            body["min_p"] = sampling.MinP;
            body["repetition_penalty"] = sampling.RepetitionPenalty;
        }
        return JsonSerializer.SerializeToUtf8Bytes(body);
    }
}
