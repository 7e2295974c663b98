using System.Text.Json.Nodes;
using Crosshead.Cli.Client;

namespace Crosshead.Cli.LoadTesting.Prompts;

/// <summary>The tokens of a server's model, by its endpoints <c>/tokenize</c> and <c>/detokenize</c>.</summary>
/// <param name="client">The server.</param>
/// <param name="model">The name of the model.</param>
/// <param name="cancellation">Ends a request.</param>
internal sealed class ServerTokens(ServerClient client, string model, CancellationToken cancellation) : IPromptTokens
{
    /// <summary>Unknown.</summary>
    public IReadOnlyList<int> Vocabulary => [];

    // Servers name the fields differently: the first names are vLLM's, the second llama.cpp's.
    private static readonly (string Text, string Special)[] s_names =
        [("prompt", "add_special_tokens"), ("content", "add_special")];

    private (string Text, string Special) _names = s_names[0];

    /// <summary>
    /// Finds the names of fields that the server knows. Returns whether it has the endpoints, and the second undoes the
    /// first.
    /// </summary>
    public bool Work()
    {
        const string Probe = "time and place";
        foreach (var names in s_names)
        {
            _names = names;
            try
            {
                if (Encode(Probe) is { Length: > 0 } ids && Decode(ids).Trim() == Probe) return true;
            }
            catch (ServerException)
            {
                // It has no such endpoint, or not with these names.
            }
        }
        return false;
    }

    /// <inheritdoc/>
    public int[] Encode(string text)
    {
        var answer = Ask("/tokenize", new JsonObject
        {
            ["model"] = model,
            [_names.Text] = text,
            [_names.Special] = false,
        });
        return answer["tokens"] is JsonArray tokens && tokens.All(t => t is JsonValue id && id.TryGetValue(out int _))
            ? [.. tokens.Select(t => (int)t!)]
            : throw new ServerException("the server answered /tokenize without a list of ids as \"tokens\".");
    }

    /// <inheritdoc/>
    public string Decode(int[] ids)
    {
        var answer = Ask("/detokenize", new JsonObject
        {
            ["model"] = model,
            ["tokens"] = new JsonArray([.. ids.Select(id => JsonValue.Create(id))]),
        });
        return (answer["prompt"] ?? answer["content"]) is JsonValue text && text.TryGetValue(out string? value)
            ? value
            : throw new ServerException("the server answered /detokenize without a text as \"prompt\".");
    }

    private JsonObject Ask(string path, JsonObject body) =>
        client.Ask(client.Address.Plain(path), body, cancellation).GetAwaiter().GetResult();
}
