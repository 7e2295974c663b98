using System.Text.Json;

namespace Crosshead.Server.Answers;

/// <summary>The numbers of tokens of a request.</summary>
/// <param name="Prompt">Tokens of the prompts, each counted once.</param>
/// <param name="Answer">Drawn tokens of all answers.</param>
/// <param name="Cached">Tokens of the prompts that were found computed.</param>
internal readonly record struct Usage(int Prompt, int Answer, int Cached)
{
    /// <summary>Writes the member <c>usage</c>.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("usage");
        json.WriteNumber("prompt_tokens", Prompt);
        json.WriteNumber("total_tokens", Prompt + Answer);
        json.WriteNumber("completion_tokens", Answer);
        json.WriteStartObject("prompt_tokens_details");
        json.WriteNumber("cached_tokens", Cached);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
