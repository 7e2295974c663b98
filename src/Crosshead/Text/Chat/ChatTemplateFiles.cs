using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Files;
using Crosshead.Text.Tokenizers.Formats;

namespace Crosshead.Text.Chat;

/// <summary>Finds a model's chat template and the special tokens for it.</summary>
internal static class ChatTemplateFiles
{
    private const string DefaultName = "default";
    private const string ToolName = "tool_use";
    private const string SpecialTokensFile = "special_tokens_map.json";

    private static readonly string[] s_specialTokens = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token",
        "cls_token", "mask_token"];

    /// <summary>
    /// The template, the one for conversations with tools if there is another, their variables and the file in which
    /// they were found; null if the folder has no template.
    /// </summary>
    public static (string Template, string? ToolTemplate, IReadOnlyDictionary<string, object?> SpecialTokens,
        string Source)? Read(string folder)
    {
        var config = Json(Path.Combine(folder, TokenizerConfig.FileName));
        var file = Path.Combine(folder, ChatTemplate.FileName);
        if ((File.Exists(file) ? (Text(file), null) : config is null ? null
            : Templates(config.RootElement, Path.Combine(folder, TokenizerConfig.FileName))) is not { } templates)
            return null;
        return (templates.Plain, templates.Tools, SpecialTokens(folder),
            File.Exists(file) ? file : Path.Combine(folder, TokenizerConfig.FileName));
    }

    /// <summary>Writes templates into a folder that has a tokenizer_config.json.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="template">The template.</param>
    /// <param name="toolTemplate">The one for conversations with tools; null if there is no other.</param>
    /// <exception cref="CrossheadException">A file cannot be written.</exception>
    public static void Save(string folder, string template, string? toolTemplate)
    {
        if (toolTemplate is null)
        {
            AtomicFile.WriteText(Path.Combine(folder, ChatTemplate.FileName), template);
            return;
        }
        var path = Path.Combine(folder, TokenizerConfig.FileName);
        var config = JsonNode.Parse(Text(path))!;
        config["chat_template"] = new JsonArray(Named(DefaultName, template), Named(ToolName, toolTemplate));
        AtomicFile.WriteText(path, $"{config}\n");

        static JsonObject Named(string name, string text) => new() { ["name"] = name, ["template"] = text };
    }

    /// <summary>The special tokens of a folder's tokenizer, by the names that templates use.</summary>
    public static IReadOnlyDictionary<string, object?> SpecialTokens(string folder)
    {
        var tokens = new Dictionary<string, object?>();
        // Older folders name their tokens in a file of their own; tokenizer_config.json has the last word.
        foreach (var file in (string[])[SpecialTokensFile, TokenizerConfig.FileName])
            if (Json(Path.Combine(folder, file)) is { } json) AddTokens(tokens, json.RootElement);
        return tokens;
    }

    // One template, or several with names of which the default one is for plain conversations, and another for tools.
    private static (string Plain, string? Tools)? Templates(JsonElement config, string path)
    {
        if (config.ValueKind != JsonValueKind.Object || !config.TryGetProperty("chat_template", out var value)
            || value.ValueKind == JsonValueKind.Null)
            return null;
        if (value.ValueKind == JsonValueKind.String) return (value.GetString()!, null);
        if (value.ValueKind != JsonValueKind.Array)
            throw new CrossheadException($"{path}: chat_template ({value.GetRawText().Shown()}) must be a text, or a "
                + "list of names and templates.");
        var named = new Dictionary<string, string>();
        foreach (var entry in value.EnumerateArray())
            if (entry.ValueKind == JsonValueKind.Object && Content(entry, "name") is { } name
                && Content(entry, "template") is { } template)
                named[name] = template;
        return named.TryGetValue(DefaultName, out var chosen) ? (chosen, named.GetValueOrDefault(ToolName))
            : throw new CrossheadException($"{path}: \"chat_template\" is a list without one named \"{DefaultName}\"; "
                + $"it has {(named.Count == 0 ? "none" : string.Join(", ", named.Keys).Shown())}.");
    }

    private static void AddTokens(Dictionary<string, object?> tokens, JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object) return;
        foreach (var name in s_specialTokens)
            if (Content(root, name) is { } token) tokens[name] = token;
    }

    // A token is a string or, in older files, an object with its content.
    private static string? Content(JsonElement root, string name) =>
        !root.TryGetProperty(name, out var value) ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : value.ValueKind == JsonValueKind.Object && value.TryGetProperty("content", out var content)
            && content.ValueKind == JsonValueKind.String ? content.GetString()
        : null;

    private static JsonDocument? Json(string path)
    {
        if (!File.Exists(path)) return null;
        try
        {
            return JsonDocument.Parse(SurrogateHalves.RefuseIn(Text(path)));
        }
        catch (JsonException e)
        {
            throw new CrossheadException($"cannot read {path}: {e.Reason()}; get it again or remove it.", e);
        }
    }

    /// <summary>The text of a file.</summary>
    /// <exception cref="CrossheadException">It cannot be read.</exception>
    public static string Text(string path)
    {
        if (!File.Exists(path))
            throw new CrossheadException(
                $"the chat template \"{path}\" {InputFile.Absence(path)}; name a file that holds one.");
        try
        {
            return InputFile.ReadText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"cannot read {path}: {e.Reason()}; make it readable.", e);
        }
    }
}
