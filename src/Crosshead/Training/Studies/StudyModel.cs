using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Attention;
using Crosshead.Files;
using Crosshead.Training.Recipes;

namespace Crosshead.Training.Studies;

/// <summary>A model of a study: its name, and what it changes in the recipe of all models.</summary>
public sealed class StudyModel
{
    private readonly JsonObject _changes;
    private readonly string _source;

    private StudyModel(string name, JsonObject changes, string source) =>
        (Name, _changes, _source) = (name, changes, source);

    /// <summary>The name in tables, and in the names of files and folders.</summary>
    public string Name { get; }

    /// <summary>The model of the recipe with another attention variant.</summary>
    public static StudyModel Of(AttentionVariant variant)
    {
        var name = variant.NameOf();
        var attention = new JsonObject { ["variant"] = name };
        return new(name, new() { ["model"] = new JsonObject { ["attention"] = attention } }, $"variant {name}");
    }

    /// <summary>
    /// Reads a file with one JSON object: the names of the models, each with the values that it changes in a recipe.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <exception cref="CrossheadException">The file cannot be read, names no model, a name cannot be a folder's, or a
    /// key or value is not one of a recipe.</exception>
    public static IReadOnlyList<StudyModel> Read(string path)
    {
        JsonObject document;
        try
        {
            document = ConfigurationJson.Parse(InputFile.ReadText(path), lenient: true) as JsonObject
                ?? throw new CrossheadException($"\"{path}\" must be one JSON object: names of models, each with what "
                + $"it changes in the recipe.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new CrossheadException(
                $"the file of models \"{path}\" cannot be read: {e.Reason()}; name a JSON file.", e);
        }
        document.Remove("$schema");
        if (document.Count == 0)
            throw new CrossheadException($"\"{path}\" names no model; give at least one, such as "
                + "{ \"half\": { \"model\": { \"attention\": { \"keyValueHeads\": 2 } } } }.");
        return [.. document.Select(m => Read(m.Key, m.Value, path))];
    }

    /// <summary>The recipe of all models with this model's changes. It is not validated.</summary>
    /// <param name="basis">The recipe of all models.</param>
    public Recipe In(Recipe basis)
    {
        var document = JsonNode.Parse(basis.ToJson())!.AsObject();
        RecipeJson.Merge(document, _changes);
        return JsonForm.Bind<Recipe>(document, RecipeJson.Options, _source);
    }

    private static StudyModel Read(string name, JsonNode? changes, string path)
    {
        var source = $"{path}: {name.Shown()}";
        if (name.Length is 0 or > 64 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
            || name[0] == '.')
            throw new CrossheadException($"{path}: the name \"{name.Shown()}\" must be 1 to 64 letters, digits, dots, "
                + $"hyphens or underscores, because a folder gets it.");
        if (changes is not JsonObject values)
            throw new CrossheadException($"{source} must be an object with what the model changes in the recipe.");
        RecipeSchema.Form.Check(values, source);
        foreach (var key in new[] { "learningRate", "seed" })
            if (values["training"] is JsonObject training && training.ContainsKey(key))
                throw new CrossheadException($"{source} sets training.{key}, which the grid sets; remove it.");
        return new(name, values.DeepClone().AsObject(), source);
    }
}
