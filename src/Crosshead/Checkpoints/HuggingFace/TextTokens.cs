using System.Text.Json;
using System.Text.Json.Nodes;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>The tokens with which a model's texts begin and end, according to its <c>config.json</c>.</summary>
/// <param name="Begin">Id of the begin token; null for none.</param>
/// <param name="Ends">Ids of the tokens that end a text, any of them; empty for none.</param>
public sealed record TextTokens(int? Begin, IReadOnlyList<int> Ends)
{
    /// <summary>The keys of both, in <c>config.json</c> and in <c>generation_config.json</c>.</summary>
    internal const string BeginKey = "bos_token_id", EndKey = "eos_token_id";

    /// <summary>Name of the file that says how a model generates.</summary>
    internal const string GenerationFile = "generation_config.json";

    /// <summary>Reads them from a model directory; none if it holds no <c>config.json</c>.</summary>
    /// <exception cref="CrossheadException">The file cannot be read, or an entry is not a token id.</exception>
    public static TextTokens Of(string folder) =>
        Values(folder, ModelFileNames.Configuration) is { } config ? Of(config) : new TextTokens(null, []);

    /// <summary>Those of a <c>config.json</c> that was read.</summary>
    /// <exception cref="CrossheadException">An entry is not a token id.</exception>
    internal static TextTokens Of(ConfigValues config) =>
        new(Ids(config, BeginKey).Select(id => (int?)id).FirstOrDefault(), Ids(config, EndKey));

    /// <summary>
    /// The tokens at which a model's texts end, as Transformers finds them: those of <c>generation_config.json</c>,
    /// otherwise those of <c>config.json</c>, otherwise the tokenizer's.
    /// </summary>
    /// <param name="folder">The model directory.</param>
    /// <param name="config">Its <c>config.json</c>.</param>
    /// <param name="tokenizerEnd">The tokenizer's end token; null if it has none.</param>
    /// <exception cref="CrossheadException">A file cannot be read, or an entry is not a token id.</exception>
    internal static IReadOnlyList<int> EndsOf(string folder, ConfigValues config, int? tokenizerEnd)
    {
        if (Values(folder, GenerationFile) is { } generation && Ids(generation, EndKey) is { Length: > 0 } generating)
            return generating;
        if (Ids(config, EndKey) is { Length: > 0 } ends) return ends;
        return tokenizerEnd is { } end ? [end] : [];
    }

    /// <summary>Writes them as <c>config.json</c> has them: one id, or a list of several.</summary>
    internal void Write(JsonObject json)
    {
        if (Begin is { } begin) json[BeginKey] = begin;
        if (Ends.Count > 0)
            json[EndKey] = Ends.Count == 1 ? Ends[0] : new JsonArray([.. Ends.Select(id => (JsonNode)id)]);
    }

    private static ConfigValues? Values(string folder, string file)
    {
        var path = Path.Combine(folder, file);
        return File.Exists(path) ? ConfigValues.Read(path) : null;
    }

    private static int[] Ids(ConfigValues values, string key)
    {
        try
        {
            return values[key] switch
            {
                null => [],
                JsonArray several => [.. several.Select(id => id!.GetValue<int>())],
                var one => [one.GetValue<int>()],
            };
        }
        catch (Exception e)
            when (e is InvalidOperationException or FormatException or JsonException or NullReferenceException)
        {
            throw values.Error($"{values.Shown(key)} must be a token id or a list of them; repair the file", e);
        }
    }
}
