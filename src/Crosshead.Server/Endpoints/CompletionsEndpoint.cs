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
        var answer = new CompletionAnswer(request, model, calls.Calls);
        if (!request.Settings.Streams)
        {
            await calls.ReadAsync(null, null, exchange.Http.RequestAborted);
            await exchange.SendAsync(json => answer.WriteWhole(json, calls.Choices, calls.Usage));
            return;
        }
        var begun = new bool[calls.Choices.Count];
        await Generation.StreamAsync(exchange, request.Settings, calls, (stream, choice, step) =>
        {
            var first = !begun[choice.Index];
            // A step without text tells something only if it has more than text.
            if (step is { Text: "", Stop: null, Logprob: null } && !(first && request.Echoes)
                && !request.Settings.ReturnsIds)
                return;
            begun[choice.Index] = true;
            stream.Write((json, s) => answer.WriteEvent(json, s.choice, s.step, s.first, calls.Usage),
                (choice, step, first));
        }, json => answer.WriteUsage(json, calls.Usage));
    }

    private static EngineRequest Call(CompletionRequest request, Prompt prompt, int maxTokens) =>
        request.Settings.For(prompt.Ids, maxTokens, request.Logprobs,
            request.Settings.PromptLogprobs ?? (request.Echoes ? request.Logprobs : null));
}
