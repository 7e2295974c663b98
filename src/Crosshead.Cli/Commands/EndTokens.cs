using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Data;

namespace Crosshead.Cli.Commands;

/// <summary>The tokens at which a model's texts end.</summary>
internal static class EndTokens
{
    private const string FileName = "generation_config.json", Key = "eos_token_id";

    /// <summary>What the directory's <c>generation_config.json</c> says, one id or several; else the tokenizer's end token.</summary>
    /// <exception cref="CrossheadException">The file is no JSON, or its entry no token id.</exception>
    public static IReadOnlyList<int> Of(string folder, Tokenizer tokenizer)
    {
        var path = Path.Combine(folder, FileName);
        try
        {
            var entry = File.Exists(path) ? JsonNode.Parse(File.ReadAllText(path))?[Key] : null;
            return entry switch
            {
                JsonArray several => [.. several.Select(id => id!.GetValue<int>())],
                JsonValue one => [one.GetValue<int>()],
                _ => tokenizer.EosTokenId is { } end ? [end] : [],
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or NullReferenceException)
        {
            throw new CrossheadException($"\"{path}\" cannot be read: {Key} must be a token id or a list of them; repair or remove the file.", e);
        }
    }
}
