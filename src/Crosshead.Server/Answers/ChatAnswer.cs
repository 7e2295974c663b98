using System.Text.Json;
using Crosshead.Server.Http;
using Crosshead.Server.Requests;
using Crosshead.Serving;
using Crosshead.Text.Chat.Answers;

namespace Crosshead.Server.Answers;

/// <summary>Writes the answers of a chat, as one answer or as events.</summary>
internal sealed class ChatAnswer
{
    private readonly ChatRequest _request;
    private readonly GenerationSettings _settings;
    private readonly CallGroup _calls;
    private readonly TokenTexts _texts;
    private readonly AnswerHead _head;
    private readonly ChatChoice[] _choices;

    /// <summary>An answer of which nothing was written.</summary>
    /// <param name="request">The request.</param>
    /// <param name="model">The model that answers.</param>
    /// <param name="calls">The call of the engine.</param>
    public ChatAnswer(ChatRequest request, ServedModel model, CallGroup calls)
    {
        (_request, _settings, _calls) = (request, request.Settings, calls);
        _texts = new TokenTexts(model.Tokenizer, request.Settings.TokensAsIds);
        _head = AnswerHead.New("chatcmpl-",
            request.Settings.Streams ? "chat.completion.chunk" : "chat.completion", model);
        _choices = [.. calls.Choices.Select(c => new ChatChoice(c, request))];
    }

    /// <summary>Takes a step for the whole answer.</summary>
    public void Take(Choice choice, EngineEvent step) =>
        _choices[choice.Index].Parts.AddRange(_choices[choice.Index].Take(step));

    /// <summary>Writes the whole answer.</summary>
    public void WriteWhole(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        _head.Write(json);
        json.WriteStartArray("choices");
        foreach (var choice in _choices)
        {
            json.WriteStartObject();
            json.WriteNumber("index", choice.Choice.Index);
            MessageJson.Write(json, Answer.Join(choice.Parts), _request.ReasoningFields);
            if (_request.Logprobs is null) json.WriteNull("logprobs");
            else LogprobJson.WriteChat(json, choice.Choice.Logprobs, _texts);
            json.WriteString("finish_reason", choice.FinishReason);
            StopJson.WriteReason(json, choice.Choice, _settings);
            if (_settings.ReturnsIds) StopJson.WriteIds(json, "token_ids", choice.Choice.Ids);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        _calls.Usage.Write(json);
        if (_settings.PromptLogprobs is not null && _calls.PromptLogprobs(0) is { } prompt)
            LogprobJson.WritePrompt(json, prompt, _texts);
        if (_settings.ReturnsIds) StopJson.WriteIds(json, "prompt_token_ids", _request.Prompt.Ids);
        json.WriteEndObject();
    }

    /// <summary>Writes the events of a step.</summary>
    public void WriteEvents(EventStream stream, Choice choice, EngineEvent step)
    {
        var chat = _choices[choice.Index];
        if (!chat.HasBegun) Event(stream, new(chat, Begins: true, null, null, null, Ends: false));
        chat.HasBegun = true;
        var parts = chat.Take(step);
        var (logprob, id) = (step.Logprob, _settings.ReturnsIds && step.Id >= 0 ? step.Id : (int?)null);
        // The first event has what belongs to the token, also if no text is certain yet.
        if (parts.Count == 0 && (logprob is not null || id is not null)) parts = [new ContentPart("")];
        foreach (var part in parts)
        {
            Event(stream, new(chat, Begins: false, part, logprob, id, Ends: false));
            (logprob, id) = (null, null);
        }
        if (step.Stop is not null) Event(stream, new(chat, Begins: false, null, null, null, Ends: true));
    }

    /// <summary>Writes the event of the numbers of tokens.</summary>
    public void WriteUsage(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        _head.Write(json);
        json.WriteStartArray("choices");
        json.WriteEndArray();
        _calls.Usage.Write(json);
        json.WriteEndObject();
    }

    private void Event(EventStream stream, Chunk chunk) => stream.Write(WriteEvent, chunk);

    private void WriteEvent(Utf8JsonWriter json, Chunk chunk)
    {
        json.WriteStartObject();
        _head.Write(json);
        json.WriteStartArray("choices");
        json.WriteStartObject();
        json.WriteNumber("index", chunk.Choice.Choice.Index);
        MessageJson.WriteDelta(json, chunk.Begins, chunk.Part, _request.ReasoningFields);
        if (chunk.Logprob is { } logprob) LogprobJson.WriteChat(json, [logprob], _texts);
        else json.WriteNull("logprobs");
        if (chunk.Ends) json.WriteString("finish_reason", chunk.Choice.FinishReason);
        else json.WriteNull("finish_reason");
        if (chunk.Ends) StopJson.WriteReason(json, chunk.Choice.Choice, _settings);
        if (chunk.Id is { } id) StopJson.WriteIds(json, "token_ids", [id]);
        json.WriteEndObject();
        json.WriteEndArray();
        if (_settings.UsageInAll) _calls.Usage.Write(json);
        else if (_settings.IncludesUsage) json.WriteNull("usage");
        json.WriteEndObject();
    }

    private readonly record struct Chunk(ChatChoice Choice, bool Begins, AnswerPart? Part, TokenLogprob? Logprob,
        int? Id, bool Ends);
}
