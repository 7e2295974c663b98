using System.Text.Json;
using Crosshead.Serving;

namespace Crosshead.Server.Answers;

/// <summary>Writes log-probabilities in the forms of OpenAI's interface.</summary>
internal static class LogprobJson
{
    private const float Lowest = -9999; // JSON has no infinity

    /// <summary>Writes the member <c>logprobs</c> of a completion.</summary>
    /// <param name="json">Writes into an open object.</param>
    /// <param name="tokens">The tokens; the first one of a prompt has no log-probability.</param>
    /// <param name="texts">How tokens are named.</param>
    /// <param name="offset">The place of the first token's text within the answer.</param>
    /// <returns>The place after the last token's text.</returns>
    public static int WriteCompletion(Utf8JsonWriter json, IReadOnlyList<(int Id, TokenLogprob? Logprob)> tokens,
        TokenTexts texts, int offset)
    {
        json.WriteStartObject("logprobs");
        json.WriteStartArray("text_offset");
        foreach (var (id, _) in tokens)
        {
            json.WriteNumberValue(offset);
            offset += texts.Of(id).Length;
        }
        json.WriteEndArray();
        json.WriteStartArray("token_logprobs");
        foreach (var (_, logprob) in tokens)
            if (logprob is null) json.WriteNullValue();
            else json.WriteNumberValue(Finite(logprob.Logprob));
        json.WriteEndArray();
        json.WriteStartArray("tokens");
        foreach (var (id, _) in tokens) json.WriteStringValue(texts.Of(id));
        json.WriteEndArray();
        json.WriteStartArray("top_logprobs");
        foreach (var (_, logprob) in tokens)
            if (logprob is null) json.WriteNullValue();
            else WriteTop(json, logprob, texts);
        json.WriteEndArray();
        json.WriteEndObject();
        return offset;
    }

    /// <summary>Writes the member <c>logprobs</c> of a chat's message.</summary>
    public static void WriteChat(Utf8JsonWriter json, IEnumerable<TokenLogprob> tokens, TokenTexts texts)
    {
        json.WriteStartObject("logprobs");
        json.WriteStartArray("content");
        foreach (var token in tokens)
        {
            json.WriteStartObject();
            WriteToken(json, token.Id, token.Logprob, texts);
            json.WriteStartArray("top_logprobs");
            foreach (var (id, logprob) in token.Top)
            {
                json.WriteStartObject();
                WriteToken(json, id, logprob, texts);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Writes the member <c>prompt_logprobs</c>: for each place from ids to log-probabilities.</summary>
    public static void WritePrompt(Utf8JsonWriter json, IReadOnlyList<TokenLogprob> tokens, TokenTexts texts)
    {
        json.WriteStartArray("prompt_logprobs");
        json.WriteNullValue();
        foreach (var token in tokens)
        {
            json.WriteStartObject();
            if (!token.Top.Any(t => t.Id == token.Id)) WriteRanked(json, token.Id, token.Logprob, null, texts);
            foreach (var (i, (id, logprob)) in token.Top.Index()) WriteRanked(json, id, logprob, i + 1, texts);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    // Keyed by text: of tokens with the same text the likeliest one is told.
    private static void WriteTop(Utf8JsonWriter json, TokenLogprob token, TokenTexts texts)
    {
        var best = new OrderedDictionary<string, float>();
        foreach (var (id, logprob) in token.Top) Add(id, logprob);
        Add(token.Id, token.Logprob);
        json.WriteStartObject();
        foreach (var (text, logprob) in best) json.WriteNumber(text, Finite(logprob));
        json.WriteEndObject();

        void Add(int id, float logprob)
        {
            var text = texts.Of(id);
            if (!best.TryGetValue(text, out var known) || logprob > known) best[text] = logprob;
        }
    }

    private static void WriteToken(Utf8JsonWriter json, int id, float logprob, TokenTexts texts)
    {
        json.WriteString("token", texts.Of(id));
        json.WriteNumber("logprob", Finite(logprob));
        json.WriteStartArray("bytes");
        foreach (var value in texts.Bytes(id)) json.WriteNumberValue(value);
        json.WriteEndArray();
    }

    private static void WriteRanked(Utf8JsonWriter json, int id, float logprob, int? rank, TokenTexts texts)
    {
        json.WriteStartObject(id.ToString(System.Globalization.CultureInfo.InvariantCulture));
        json.WriteNumber("logprob", Finite(logprob));
        if (rank is { } place) json.WriteNumber("rank", place);
        json.WriteString("decoded_token", texts.Of(id));
        json.WriteEndObject();
    }

    private static float Finite(float logprob) => float.IsFinite(logprob) ? logprob : Lowest;
}
