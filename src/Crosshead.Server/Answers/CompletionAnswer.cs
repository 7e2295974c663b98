using System.Text.Json;
using Crosshead.Server.Requests;
using Crosshead.Serving;

namespace Crosshead.Server.Answers;

/// <summary>Writes completions, as one answer or as events.</summary>
/// <param name="request">The request.</param>
/// <param name="model">The model that answers.</param>
/// <param name="calls">The calls of the engine, one for each prompt.</param>
internal sealed class CompletionAnswer(CompletionRequest request, ServedModel model, CallGroup calls)
{
    private readonly GenerationSettings _settings = request.Settings;
    private readonly TokenTexts _texts = new(model.Tokenizer, request.Settings.TokensAsIds);
    private readonly AnswerHead _head = AnswerHead.New("cmpl-", "text_completion", model);
    private readonly int[] _offsets = new int[request.Prompts.Count * request.Settings.Choices];

    /// <summary>Writes the whole answer.</summary>
    public void WriteWhole(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        _head.Write(json);
        json.WriteStartArray("choices");
        foreach (var choice in calls.Choices)
            WriteChoice(json, choice, PromptText(choice) + choice.Text, choice.Logprobs, choice.Ids, first: true,
                last: true);
        json.WriteEndArray();
        calls.Usage.Write(json);
        json.WriteEndObject();
    }

    /// <summary>Writes the event of one step of a choice.</summary>
    /// <param name="json">The writer.</param>
    /// <param name="choice">The choice, which has taken the step.</param>
    /// <param name="step">The step.</param>
    /// <param name="first">Whether it is the choice's first event.</param>
    public void WriteEvent(Utf8JsonWriter json, Choice choice, in EngineEvent step, bool first)
    {
        json.WriteStartObject();
        _head.Write(json);
        json.WriteStartArray("choices");
        var text = first ? PromptText(choice) + step.Text : step.Text;
        WriteChoice(json, choice, text, step.Logprob is { } logprob ? [logprob] : [], step.Id >= 0 ? [step.Id] : [],
            first, last: step.Stop is not null);
        json.WriteEndArray();
        if (_settings.UsageInAll) calls.Usage.Write(json);
        else if (_settings.IncludesUsage) json.WriteNull("usage");
        json.WriteEndObject();
    }

    /// <summary>Writes the event of the numbers of tokens.</summary>
    public void WriteUsage(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        _head.Write(json);
        json.WriteStartArray("choices");
        json.WriteEndArray();
        calls.Usage.Write(json);
        json.WriteEndObject();
    }

    private void WriteChoice(Utf8JsonWriter json, Choice choice, string text, IReadOnlyList<TokenLogprob> logprobs,
        IReadOnlyList<int> ids, bool first, bool last)
    {
        var call = choice.Index / _settings.Choices;
        json.WriteStartObject();
        json.WriteNumber("index", choice.Index);
        json.WriteString("text", text);
        if (request.Logprobs is null) json.WriteNull("logprobs");
        else
            _offsets[choice.Index] = LogprobJson.WriteCompletion(json,
                [.. first && request.Echoes ? Prompt(call) : [], .. logprobs.Select(l => (l.Id, (TokenLogprob?)l))],
                _texts, _offsets[choice.Index]);
        if (last) json.WriteString("finish_reason", choice.FinishReason);
        else json.WriteNull("finish_reason");
        if (last) StopJson.WriteReason(json, choice, _settings);
        else json.WriteNull("stop_reason");
        if (_settings.PromptLogprobs is not null && calls.PromptLogprobs(call) is { } prompt)
            LogprobJson.WritePrompt(json, prompt, _texts);
        if (_settings.ReturnsIds)
        {
            if (first) StopJson.WriteIds(json, "prompt_token_ids", request.Prompts[call].Prompt.Ids);
            StopJson.WriteIds(json, "token_ids", ids);
        }
        json.WriteEndObject();
    }

    private string PromptText(Choice choice)
    {
        if (!request.Echoes) return "";
        var prompt = request.Prompts[choice.Index / _settings.Choices].Prompt;
        return prompt.Text ?? model.Tokenizer.Decode(prompt.Ids, _settings.SkipsSpecial);
    }

    // The engine tells the second and later tokens; of the first nothing is known.
    private IEnumerable<(int Id, TokenLogprob? Logprob)> Prompt(int call)
    {
        var ids = request.Prompts[call].Prompt.Ids;
        var logprobs = calls.PromptLogprobs(call) ?? [];
        yield return (ids[0], null);
        foreach (var logprob in logprobs) yield return (logprob.Id, logprob);
    }
}
