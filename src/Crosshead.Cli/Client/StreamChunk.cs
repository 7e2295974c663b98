using System.Text.Json;

namespace Crosshead.Cli.Client;

/// <summary>One event of a streamed answer, for completions and for chats.</summary>
internal readonly record struct StreamChunk
{
    private static ReadOnlySpan<byte> End => "[DONE]"u8;

    /// <summary>Whether this is the mark after the last event.</summary>
    public bool IsEnd { get; private init; }

    /// <summary>Whether the event belongs to an answer. An event with token counts alone does not.</summary>
    public bool HasChoice { get; private init; }

    /// <summary>New text of the answer; null or empty for none.</summary>
    public string? Text { get; private init; }

    /// <summary>New text of the model's thoughts; null or empty for none.</summary>
    public string? Reasoning { get; private init; }

    /// <summary>Whether the event names tokens of the answer, as servers do that were asked for them.</summary>
    public bool HasIds { get; private init; }

    /// <summary>Why the answer ended; null if it goes on.</summary>
    public string? FinishReason { get; private init; }

    /// <summary>Tokens of the prompt by the server's count; null if not told.</summary>
    public int? PromptTokens { get; private init; }

    /// <summary>Tokens of the answer by the server's count; null if not told.</summary>
    public int? OutputTokens { get; private init; }

    /// <summary>The server's message about a failure; null for none.</summary>
    public string? Error { get; private init; }

    /// <summary>Whether the event has text of any kind.</summary>
    public bool HasText => !string.IsNullOrEmpty(Text) || !string.IsNullOrEmpty(Reasoning);

    /// <summary>Whether the event tells of new tokens: by their text, or by ids if no text is certain yet.</summary>
    public bool HasTokens => HasText || HasIds;

    /// <summary>Reads the data of an event.</summary>
    /// <exception cref="JsonException">The data are no JSON object.</exception>
    public static StreamChunk Read(ReadOnlySpan<byte> data)
    {
        if (data.SequenceEqual(End)) return new StreamChunk { IsEnd = true };
        var reader = new Utf8JsonReader(data);
        using var document = JsonDocument.ParseValue(ref reader);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object) throw new JsonException("an event is no JSON object.");
        if (ServerException.MessageIn(root) is { } message) return new StreamChunk { Error = message };
        return Read(root);
    }

    private static StreamChunk Read(JsonElement root)
    {
        var usage = Member(root, "usage");
        var chunk = new StreamChunk
        {
            PromptTokens = Count(usage, "prompt_tokens"),
            OutputTokens = Count(usage, "completion_tokens"),
        };
        if (Member(root, "choices") is not { ValueKind: JsonValueKind.Array } choices || choices.GetArrayLength() == 0)
            return chunk;
        var choice = choices[0];
        var delta = Member(choice, "delta");
        return chunk with
        {
            HasChoice = true,
            Text = TextOf(choice, "text") ?? TextOf(delta, "content"),
            Reasoning = TextOf(delta, "reasoning_content") ?? TextOf(delta, "reasoning"),
            HasIds = Member(choice, "token_ids") is { ValueKind: JsonValueKind.Array } ids && ids.GetArrayLength() > 0,
            FinishReason = TextOf(choice, "finish_reason"),
        };
    }

    private static JsonElement Member(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) ? value : default;

    private static string? TextOf(JsonElement parent, string name) =>
        Member(parent, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private static int? Count(JsonElement parent, string name) =>
        Member(parent, name) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out var count)
            ? count : null;
}
