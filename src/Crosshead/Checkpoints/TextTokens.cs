using System.Text.Json;
using System.Text.Json.Nodes;

namespace Crosshead.Checkpoints;

/// <summary>The tokens that a model's <c>config.json</c> says texts begin and end with.</summary>
/// <param name="Begin">Id of the begin token; null for none.</param>
/// <param name="End">Id of the end token, the first where there are several; null for none.</param>
public sealed record TextTokens(int? Begin, int? End)
{
    /// <summary>Reads them from a model directory.</summary>
    /// <exception cref="CrossheadException">An entry is no token id.</exception>
    public static TextTokens Of(string folder)
    {
        var path = Path.Combine(folder, ModelDirectory.ConfigFile);
        var config = JsonNode.Parse(File.ReadAllText(path))!;
        int? Id(string key)
        {
            try
            {
                return (config[key] is JsonArray several ? several.FirstOrDefault() : config[key])?.GetValue<int>();
            }
            catch (Exception e) when (e is InvalidOperationException or FormatException or JsonException)
            {
                throw new CrossheadException($"\"{path}\": {key} = {config[key]!.ToJsonString()} must be a token id or a list of them; repair the file.", e);
            }
        }
        return new TextTokens(Id("bos_token_id"), Id("eos_token_id"));
    }
}
