using Crosshead.Server.Answers;
using Crosshead.Server.Fields;
using Crosshead.Server.Requests;

namespace Crosshead.Server.Endpoints;

/// <summary><c>POST /v1/chat/completions</c>: the next turn of a conversation.</summary>
internal static class ChatEndpoint
{
    /// <summary>Answers a request.</summary>
    public static async Task HandleAsync(Exchange exchange)
    {
        var values = await exchange.ReadAsync(ChatFields.Table);
        var model = TemplateReader.Apply(values, exchange.Model);
        var request = ChatRequest.Read(values, model, exchange.Options, exchange.State.Constraints!);
        exchange.Prompt = request.Prompt.Text;
        var settings = request.Settings;
        var calls = Generation.Begin(exchange, model,
            [settings.For(request.Prompt.Ids, request.MaxTokens, request.Logprobs, settings.PromptLogprobs)]);
        var answer = new ChatAnswer(request, model, calls);
        if (settings.Streams)
        {
            await Generation.StreamAsync(exchange, settings, calls, answer.WriteEvents, answer.WriteUsage);
            return;
        }
        await calls.ReadAsync(null, answer.Take, exchange.Http.RequestAborted);
        await exchange.SendAsync(answer.WriteWhole);
    }
}
