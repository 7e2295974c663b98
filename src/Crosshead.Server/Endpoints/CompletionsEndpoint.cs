using System.Text.Json;
using Crosshead.Server.Answers;
using Crosshead.Server.Fields;
using Crosshead.Server.Requests;
using Crosshead.Serving;

namespace Crosshead.Server.Endpoints;

/// <summary><c>POST /v1/completions</c>: continues prompts.</summary>
internal static class CompletionsEndpoint
{
    /// <summary>Answers a request.</summary>
    public static async Task HandleAsync(Exchange exchange)
    {
        var model = exchange.Model;
        var request = CompletionRequest.Read(await exchange.ReadAsync(CompletionFields.Table), model,
            exchange.Options, exchange.State.Constraints!);
        exchange.Prompt = request.Prompts[0].Prompt.Text;
        var calls = Generation.Begin(exchange, model, [.. request.Prompts.Select(p => Call(request, p.Prompt,
            p.MaxTokens))]);
        var answer = new CompletionAnswer(request, model, calls);
        if (!request.Settings.Streams)
        {
            await calls.ReadAsync(null, null, exchange.Http.RequestAborted);
            await exchange.SendAsync(answer.WriteWhole);
            return;
        }
        Action<Utf8JsonWriter, (Choice Choice, EngineEvent Step, bool First)> writeEvent =
            (json, e) => answer.WriteEvent(json, e.Choice, e.Step, e.First);
        var begun = new bool[calls.Choices.Count];
        await Generation.StreamAsync(exchange, request.Settings, calls, (stream, choice, step) =>
        {
            var first = !begun[choice.Index];
            // A step without text tells something only if it has more than text.
            if (step is { Text: "", Stop: null, Logprob: null } && !(first && request.Echoes)
                && !request.Settings.ReturnsIds)
                return;
            begun[choice.Index] = true;
            stream.Write(writeEvent, (choice, step, first));
        }, answer.WriteUsage);
    }

    private static EngineRequest Call(CompletionRequest request, Prompt prompt, int maxTokens) =>
        request.Settings.For(prompt.Ids, maxTokens, request.Logprobs,
            request.Settings.PromptLogprobs ?? (request.Echoes ? request.Logprobs : null));
}
