using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Crosshead.Files;

namespace Crosshead.Evaluation.Tasks;

/// <summary>Reads task files strictly: no unknown key, no value of another kind, no template that cannot be rendered.</summary>
internal static class TaskFile
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectRequiredConstructorParameters = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    /// <summary>The task that a file describes.</summary>
    public static EvaluationTask Read(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"the task file {path} cannot be read: {e.Reason()}; name another.", e);
        }
    }

    /// <summary>The task that a text describes; errors call it <paramref name="source"/>.</summary>
    public static EvaluationTask Parse(string json, string source)
    {
        var document = Check(ParseObject(json, source), Options.GetTypeInfo(typeof(EvaluationTask)), "", source);
        var task = document.Deserialize<EvaluationTask>(Options)!;
        TaskRules.Check(task, source);
        _ = new TaskTemplates(task, source);
        return task;
    }

    private static JsonObject ParseObject(string json, string source)
    {
        try
        {
            return ConfigurationJson.Parse(json, lenient: true) as JsonObject ?? throw new CrossheadException($"{source} is no task: it must be a JSON object {{…}}; see docs/tasks.md.");
        }
        catch (JsonException e)
        {
            throw new CrossheadException($"{source} is no JSON: {e.Reason()}; see docs/tasks.md.", e);
        }
    }

    // The value as the type wants it: one value may stand for a list of one.
    private static JsonNode Check(JsonNode? value, JsonTypeInfo type, string path, string source) => type.Kind switch
    {
        JsonTypeInfoKind.Object => CheckObject(value, type, path, source),
        JsonTypeInfoKind.Dictionary => CheckMap(value, type, path, source),
        JsonTypeInfoKind.Enumerable => CheckList(value, type, path, source),
        _ => CheckValue(value, Nullable.GetUnderlyingType(type.Type) ?? type.Type, path, source),
    };

    private static JsonObject CheckObject(JsonNode? value, JsonTypeInfo type, string path, string source)
    {
        var members = type.Properties.Where(p => p.Set is not null || p.AssociatedParameter is not null).ToDictionary(p => p.Name);
        var read = new JsonObject();
        foreach (var (key, member) in value as JsonObject ?? throw Wrong(value, "an object {…}", path, source))
        {
            if (!members.TryGetValue(key, out var property))
                throw new CrossheadException($"{source}: unknown key {Join(path, key).Shown()}; {Suggestion.For(key, members.Keys)}");
            read[key] = Check(member, Options.GetTypeInfo(property.PropertyType), Join(path, key), source);
        }
        foreach (var property in members.Values)
            if ((property.IsRequired || property.AssociatedParameter is { HasDefaultValue: false }) && !read.ContainsKey(property.Name))
                throw new CrossheadException($"{source}: {Join(path, property.Name)} is missing; add it, see docs/tasks.md.");
        return read;
    }

    private static JsonObject CheckMap(JsonNode? value, JsonTypeInfo type, string path, string source)
    {
        var read = new JsonObject();
        foreach (var (key, member) in value as JsonObject ?? throw Wrong(value, "an object {…}", path, source))
            read[key] = Check(member, Options.GetTypeInfo(type.ElementType!), Join(path, key), source);
        return read;
    }

    private static JsonArray CheckList(JsonNode? value, JsonTypeInfo type, string path, string source)
    {
        var element = Options.GetTypeInfo(type.ElementType!);
        return value is JsonArray items
            ? [.. items.Select((item, i) => Check(item, element, $"{path}[{i}]", source))]
            : [Check(value, element, path, source)];
    }

    private static JsonNode CheckValue(JsonNode? value, Type type, string path, string source)
    {
        var kind = value?.GetValueKind() ?? JsonValueKind.Null;
        if (type.IsEnum)
        {
            var names = Enum.GetNames(type).Select(JsonNamingPolicy.CamelCase.ConvertName).ToArray();
            if (kind != JsonValueKind.String) throw Wrong(value, "one of " + string.Join(", ", names), path, source);
            if (!names.Contains(value!.GetValue<string>()))
                throw new CrossheadException($"{source}: {path.Shown()} ({value.Shown()}) is unknown; {Suggestion.For(value.GetValue<string>(), names)}");
        }
        else if (type == typeof(int) && !(kind == JsonValueKind.Number && int.TryParse(value!.ToJsonString(), out _)))
        {
            throw Wrong(value, "a whole number", path, source);
        }
        else if (type == typeof(bool) && kind is not (JsonValueKind.True or JsonValueKind.False))
        {
            throw Wrong(value, "true or false", path, source);
        }
        else if (type == typeof(string) && kind != JsonValueKind.String)
        {
            throw Wrong(value, "a text", path, source);
        }
        return value!.DeepClone();
    }

    private static CrossheadException Wrong(JsonNode? value, string wanted, string path, string source) =>
        new($"{source}: {path.Shown()} ({value.Shown()}) must be {wanted}.");

    private static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";
}
