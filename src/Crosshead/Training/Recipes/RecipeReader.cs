using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Files;

namespace Crosshead.Training.Recipes;

/// <summary>
/// Reads recipe files, the recipes that they extend, and overrides. Each part is checked and then merged over the
/// earlier parts.
/// </summary>
internal static class RecipeReader
{
    private const int MostLooks = 200, MostBytes = 1 << 20; // where a name is looked for that is misspelt

    private static readonly EnumerationOptions s_seen = new() { IgnoreInaccessible = true };

    public static Recipe Read(string path, IEnumerable<string> overrides) => Bind(ReadDocument(path, overrides), path);

    /// <summary>Returns the values that a recipe and its overrides set, without defaults.</summary>
    public static JsonObject ReadDocument(string path, IEnumerable<string> overrides)
    {
        var document = ReadFile(Path.GetFullPath(path), path, []);
        foreach (var assignment in overrides) Set(document, assignment);
        return document;
    }

    public static Recipe Parse(string json, string source)
    {
        var document = RecipeSchema.Form.Parse(json, source);
        RecipeSchema.Form.Check(document, source);
        return Bind(document, source);
    }

    private static JsonObject ReadFile(string file, string source, IReadOnlyList<string> derived)
    {
        if (derived.Contains(file))
            throw new CrossheadException($"{source} derives from itself "
                + $"({string.Join(" → ", derived.Append(file).Select(Path.GetFileName))}); remove one \"extends\".");
        var document = RecipeSchema.Form.Parse(ReadText(file, source), source);
        var basis = document["extends"];
        foreach (var key in RecipeSchema.FileKeys) document.Remove(key);
        RecipeSchema.Form.Check(document, source);
        if (basis is null) return document;

        if (basis.GetValueKind() != JsonValueKind.String || basis.GetValue<string>().Length == 0)
            throw new CrossheadException(
                $"{source}: extends ({basis.Shown()}) must be the name of a recipe file beside this one.");
        var baseFile = Path.GetFullPath(basis.GetValue<string>(), Path.GetDirectoryName(file)!);
        var whole = ReadFile(baseFile, Path.Combine(Path.GetDirectoryName(source) ?? "", basis.GetValue<string>()),
            [.. derived, file]);
        RecipeJson.Merge(whole, document);
        return whole;
    }

    // Whether a file may be a recipe, of which a value may be wrong.
    private static bool HasKeysOfRecipe(string file)
    {
        try
        {
            if (new FileInfo(file).Length > MostBytes) return false;
            var keys = RecipeSchema.Form.Parse(InputFile.ReadText(file), file).Select(m => m.Key)
                .Except(["$schema"]).ToArray();
            foreach (var key in keys.Except(RecipeSchema.FileKeys)) RecipeSchema.Form.At(key, file);
            return keys.Length > 0;
        }
        catch (Exception e) when (e is CrossheadException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string ReadText(string file, string source)
    {
        if (!File.Exists(file))
        {
            var folder = new DirectoryInfo(Path.GetDirectoryName(file)!);
            var near = !folder.Exists ? [] : folder.EnumerateFiles("*.json", s_seen).Select(f => f.FullName)
                .Order(StringComparer.Ordinal).Take(MostLooks).Where(HasKeysOfRecipe).Select(f => Path.GetFileName(f))
                .Take(20).ToArray();
            throw new CrossheadException($"the recipe \"{source}\" {InputFile.Absence(file)}; "
                + (near.Length > 0 ? Suggestion.For(Path.GetFileName(file), near) : "name a .json file."));
        }
        try
        {
            return InputFile.ReadText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"the recipe \"{source}\" cannot be read: {e.Reason()}; make it readable, "
                + "or name another file.", e);
        }
    }

    // The assignment is a.b=c, where c is JSON, or plain text for a string.
    private static void Set(JsonObject document, string assignment)
    {
        var source = $"{MessageTerm.Overrides} {assignment.Shown()}";
        var split = assignment.IndexOf('=');
        if (split <= 0)
            throw new CrossheadException($"{source}: an override is path=value, for example {MessageTerm.Overrides} "
                + $"training.learningRate=3e-3.");
        var (path, text) = (assignment[..split].Trim(), assignment[(split + 1)..].Trim());
        _ = RecipeSchema.Form.At(path, source);

        var keys = path.Split('.');
        var patch = keys.Reverse()
            .Aggregate(Value(text, path, source), (inner, key) => new JsonObject { [key] = inner })!.AsObject();
        RecipeSchema.Form.Check(patch, source);
        RecipeJson.Merge(document, patch);
    }

    private static JsonNode? Value(string text, string path, string source)
    {
        var schema = RecipeSchema.Form.At(path, source);
        var isText = schema["type"] is null
            || schema["type"]!.ToJsonString().Contains("string", StringComparison.Ordinal);
        if (isText && text != "null") return JsonValue.Create(text.Trim('"'));
        var isList = schema["type"]?.ToJsonString().Contains("array", StringComparison.Ordinal) == true;
        if (isList && text.Length > 0 && text[0] != '[' && text != "null")
            return new JsonArray(
                [.. text.Split(',', StringSplitOptions.TrimEntries).Select(item => JsonValue.Create(item))]);
        try
        {
            return ConfigurationJson.Parse(text);
        }
        catch (JsonException)
        {
            return JsonValue.Create(text); // refused by the schema, with its path
        }
    }

    /// <summary>Returns the name that a checked document gives, or otherwise the name of its file.</summary>
    public static string NameOf(JsonObject document, string source) =>
        document["name"]?.GetValue<string>() is { Length: > 0 } name ? name : Path.GetFileNameWithoutExtension(source);

    /// <summary>Converts a checked document to a recipe and validates the recipe.</summary>
    public static Recipe Bind(JsonObject document, string source)
    {
        var recipe = JsonForm.Bind<Recipe>(document, RecipeJson.Options, source);
        recipe = recipe with { Name = NameOf(document, source) };
        try
        {
            recipe.Validate();
        }
        catch (CrossheadException e)
        {
            throw new CrossheadException($"{source}: {e.Message}", e);
        }
        return recipe;
    }
}
