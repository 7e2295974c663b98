using System.Text.Json;
using Crosshead.Cli.LoadTesting.Prompts;

namespace Crosshead.Cli.LoadTesting;

/// <summary>
/// The form of the requests of a load test. Sampling settings are always sent, so that no setting of the server changes
/// the work.
/// </summary>
internal sealed record RequestForm
{
    /// <summary>The name of the model.</summary>
    public required string Model { get; init; }

    /// <summary>Whether requests are chats. Otherwise they are completions.</summary>
    public bool IsChat { get; init; }

    /// <summary>Divides the logits; 0 takes the most likely token.</summary>
    public double Temperature { get; init; }

    /// <summary>Seed of the sampling.</summary>
    public int Seed { get; init; }

    /// <summary>Whether answers go on after an end token, to their full length.</summary>
    public bool IgnoreEos { get; init; }

    /// <summary>Whether fields that OpenAI's interface lacks are left out.</summary>
    public bool OnlyOpenAiFields { get; init; }

    /// <summary>The endpoint below <c>/v1</c>.</summary>
    public string Path => IsChat ? "/chat/completions" : "/completions";

    /// <summary>The body of a request, as JSON.</summary>
    public byte[] Body(LoadRequest request)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("model", Model);
            WritePrompt(json, request);
            WriteLength(json, request.OutputTokens);
            json.WriteNumber("temperature", Temperature);
            json.WriteNumber("top_p", 1);
            json.WriteNumber("presence_penalty", 0);
            json.WriteNumber("frequency_penalty", 0);
            json.WriteNumber("seed", Seed);
            if (!OnlyOpenAiFields)
            {
                json.WriteNumber("top_k", -1);
                json.WriteNumber("min_p", 0);
                json.WriteNumber("repetition_penalty", 1);
                json.WriteBoolean("ignore_eos", IgnoreEos);
                json.WriteBoolean("return_token_ids", true); // so that a token without text has an event as well
            }
            json.WriteBoolean("stream", true);
            json.WriteStartObject("stream_options");
            json.WriteBoolean("include_usage", true);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    private void WritePrompt(Utf8JsonWriter json, LoadRequest request)
    {
        if (IsChat)
        {
            json.WriteStartArray("messages");
            json.WriteStartObject();
            json.WriteString("role", "user");
            json.WriteString("content", request.Text);
            json.WriteEndObject();
            json.WriteEndArray();
        }
        else if (request.Ids is { } ids)
        {
            json.WriteStartArray("prompt");
            foreach (var id in ids) json.WriteNumberValue(id);
            json.WriteEndArray();
        }
        else
        {
            json.WriteString("prompt", request.Text);
        }
    }

    // Older servers know only the first name for chats, newer models of OpenAI only the second.
    private void WriteLength(Utf8JsonWriter json, int tokens)
    {
        if (!IsChat || !OnlyOpenAiFields) json.WriteNumber("max_tokens", tokens);
        if (IsChat) json.WriteNumber("max_completion_tokens", tokens);
    }
}
