using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Files;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>
/// An object of a <c>config.json</c>, read key by key. Every error names the file, the key and the value.
/// </summary>
internal sealed class ConfigValues
{
    private const string GetAgain = "get it again";

    private readonly JsonObject _json;
    private readonly string _name; // what an error calls the object

    private ConfigValues(string path, string name, JsonObject json) => (Path, _name, _json) = (path, name, json);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>What helps if it is no configuration.</summary>
    private string Remedy { get; init; } = GetAgain;

    /// <summary>Whether it is the text model of one that reads images too.</summary>
    public bool IsPart { get; private init; }

    /// <summary>The existing keys.</summary>
    public IEnumerable<string> Keys => _json.Select(p => p.Key);

    /// <summary>The value of a key; null if it is absent or null.</summary>
    public JsonNode? this[string key] => _json[key];

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="remedy">What helps if it is no configuration.</param>
    /// <exception cref="CrossheadException">The file is missing, cannot be read, or is not a JSON object.</exception>
    public static ConfigValues Read(string path, string remedy = GetAgain)
    {
        if (!File.Exists(path)) throw ModelFileNames.Missing(path);
        try
        {
            return Parse(path, InputFile.ReadText(path), remedy);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException(
                $"\"{path}\" cannot be read: {e.Reason()}; name a folder that can be read.", e);
        }
    }

    /// <summary>Parses the text of a file.</summary>
    /// <param name="path">What error messages call the file.</param>
    /// <param name="text">Its text.</param>
    /// <param name="remedy">What helps if it is no configuration.</param>
    /// <exception cref="CrossheadException">The text is not a JSON object.</exception>
    public static ConfigValues Parse(string path, string text, string remedy = GetAgain)
    {
        try
        {
            return new(path, "it", ConfigurationJson.ParseObject(text)) { Remedy = remedy };
        }
        catch (JsonException e)
        {
            throw new CrossheadException(Invalid(path, e.Reason(), remedy), e);
        }
    }

    /// <summary>Whether the key exists, even with null.</summary>
    public bool Has(string key) => _json.ContainsKey(key);

    /// <summary>The object under a key; null if it is absent or null.</summary>
    public ConfigValues? Child(string key) => _json[key] switch
    {
        null => null,
        JsonObject child => new(Path, key, child),
        _ => throw Error($"{Shown(key)} must be an object {{…}}"),
    };

    /// <summary>
    /// The object under a key as a configuration of its own; null if it is absent or null. What it lacks, the keys
    /// beside it say, then the defaults.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="defaults">The meaning of absent keys.</param>
    /// <param name="shared">The keys beside it that count.</param>
    public ConfigValues? Part(string key, JsonObject defaults, IEnumerable<string> shared)
    {
        if (Child(key) is not { } child) return null;
        var json = defaults.DeepClone().AsObject();
        foreach (var other in shared.Where(k => _json[k] is not null)) json[other] = _json[other]!.DeepClone();
        foreach (var (name, value) in child._json)
            if (value is not null || !json.ContainsKey(name)) json[name] = value?.DeepClone();
        return new(Path, key, json) { IsPart = true };
    }

    /// <summary>The value of a required key.</summary>
    public T Required<T>(string key) => _json[key] is null ? throw Error($"{_name} lacks \"{key}\"") : Value<T>(key);

    /// <summary>The value of a key, or a default if it is absent or null.</summary>
    public T Or<T>(string key, T otherwise) => _json[key] is null ? otherwise : Value<T>(key);

    /// <summary>The value of a key; null if it is absent or null.</summary>
    public T? Optional<T>(string key) where T : struct => _json[key] is null ? null : Value<T>(key);

    /// <summary>The value under the first existing name of several; all existing ones must agree.</summary>
    public T? OneOf<T>(params string[] keys) where T : struct
    {
        var present = keys.Where(k => _json[k] is not null).ToArray();
        if (present.Select(k => Value<T>(k)).Distinct().Count() > 1)
            throw Error($"{string.Join(" and ", present.Select(Shown))} contradict each other; remove one");
        return present.Length == 0 ? null : Value<T>(present[0]);
    }

    /// <summary>A key and its value as they stand in the file.</summary>
    public string Shown(string key) => $"{key.Shown()} = {_json[key].Shown()}";

    /// <summary>An error of this file.</summary>
    public CrossheadException Error(string what) => new($"\"{Path}\": {what}.");

    /// <summary>An error of this file that another one caused.</summary>
    public CrossheadException Error(string what, Exception cause) => new($"\"{Path}\": {what}.", cause);

    /// <summary>The error of a file that is no configuration of a model at all.</summary>
    public CrossheadException Invalid(string why) => new(Invalid(Path, why, Remedy));

    private static string Invalid(string path, string why, string remedy) =>
        $"\"{path}\" is no valid configuration of a model: {why}; {remedy}.";

    private T Value<T>(string key)
    {
        try
        {
            return _json[key].Deserialize<T>()!;
        }
        catch (JsonException e)
        {
            throw Error($"{Shown(key)} must be {Wanted(typeof(T))}", e);
        }
    }

    private static string Wanted(Type type) => type switch
    {
        _ when type == typeof(int) => $"a whole number up to {int.MaxValue}",
        _ when type == typeof(double) => "a number",
        _ when type == typeof(bool) => "true or false",
        _ when type == typeof(int[]) => $"a list of whole numbers up to {int.MaxValue}",
        _ when type == typeof(double[]) => "a list of numbers",
        _ when type == typeof(string[]) => "a list of texts",
        _ => "a text",
    };
}
