using System.Text.Json;

namespace Crosshead.Text.Grammars;

/// <summary>
/// Turns a JSON schema into a grammar of the JSON texts that fit it. A keyword that is not supported is refused.
/// </summary>
/// <remarks>
/// An object has its properties in the order of the schema; those that are not required may be left out. Without
/// "additionalProperties" an object with "properties" has no others. Additional properties stand last, and their names
/// have no escapes. Without "items" a list with "prefixItems" has no others.
/// </remarks>
internal sealed class JsonSchemaCompiler
{
    private static readonly string[] s_annotations = ["title", "description", "default", "examples", "$schema", "$id",
        "$comment", "$defs", "definitions", "deprecated", "readOnly", "writeOnly"];

    private static readonly string[] s_values = ["enum", "const"];
    private static readonly string[] s_combinations = ["anyOf", "oneOf", "allOf"];

    /// <summary>The keywords of each type.</summary>
    private static readonly Dictionary<string, string[]> s_keywords = new()
    {
        ["object"] = ["properties", "required", "additionalProperties"],
        ["array"] = ["items", "prefixItems", "minItems", "maxItems"],
        ["string"] = ["minLength", "maxLength", "pattern", "format"],
        ["number"] = NumberSchema.Bounds,
        ["integer"] = [],
        ["boolean"] = [],
        ["null"] = [],
    };

    private readonly GrammarBuilder _builder;
    private readonly JsonSyntax _syntax;
    private readonly JsonElement _root;
    private readonly string _name;
    private readonly Dictionary<string, GrammarPart> _references = [];
    private readonly Queue<(int Rule, JsonElement Schema, string Path)> _open = new();
    private readonly ObjectSchema _objects;
    private readonly ListSchema _lists;
    private readonly NumberSchema _numbers;
    private readonly Exclusion _exclusion;

    /// <summary>Begins to compile a schema.</summary>
    /// <param name="builder">The builder of the parts.</param>
    /// <param name="syntax">The parts of JSON.</param>
    /// <param name="root">The schema, to which references lead.</param>
    /// <param name="name">What messages call it.</param>
    public JsonSchemaCompiler(GrammarBuilder builder, JsonSyntax syntax, JsonElement root, string name)
    {
        (_builder, _syntax, _root, _name) = (builder, syntax, root, name);
        _objects = new ObjectSchema(builder, syntax, Compile);
        _lists = new ListSchema(builder, syntax, Compile);
        _numbers = new NumberSchema(builder, syntax);
        _exclusion = new Exclusion(reference => Target(reference, _name));
    }

    /// <summary>The values that fit the schema.</summary>
    /// <exception cref="CrossheadException">The schema is wrong, too large, or uses what is not supported.</exception>
    public GrammarPart Compile()
    {
        if (JsonSyntax.Written(_root).Length > GrammarLimits.SourceBytes)
            throw new CrossheadException($"{_name} is larger than {GrammarLimits.SourceBytes / 1024} KiB; use a "
                + "smaller schema.");
        return Resolved(Reference("#", _name));
    }

    /// <summary>The values that fit one of the schema's properties.</summary>
    /// <param name="name">The name of the property.</param>
    /// <exception cref="CrossheadException">As for the whole schema.</exception>
    public GrammarPart CompileProperty(string name) => Resolved(Reference("#/properties/"
        + Uri.EscapeDataString(name.Replace("~", "~0").Replace("/", "~1")), $"{_name}.properties.{name.Shown()}"));

    // Not by recursion: references may form long chains.
    private GrammarPart Resolved(GrammarPart part)
    {
        while (_open.TryDequeue(out var open)) _builder.DefineRule(open.Rule, Compile(open.Schema, open.Path, 0));
        return part;
    }

    private GrammarPart Compile(JsonElement schema, string path, int depth)
    {
        if (depth > GrammarLimits.SourceDepth)
            throw new CrossheadException($"{path} is nested more than {GrammarLimits.SourceDepth} levels deep; use "
                + "$defs and $ref, or a flatter schema.");
        if (schema.ValueKind == JsonValueKind.True) return _syntax.AnyValue;
        if (schema.ValueKind != JsonValueKind.Object)
            throw new CrossheadException($"{path} is {KeywordReader.Kind(schema)}; a schema is an object or true.");
        var keywords = schema.EnumerateObject().Select(member => member.Name).Except(s_annotations).ToArray();
        var types = Types(schema, path, keywords);
        foreach (var keyword in keywords)
            if (keyword is not ("type" or "$ref") && !s_combinations.Contains(keyword) && !s_values.Contains(keyword)
                && !s_keywords.Values.Any(known => known.Contains(keyword)))
                throw new CrossheadException($"{path}.{keyword.Shown()} is not supported; leave it out. Supported are "
                    + $"type, enum, const, anyOf, oneOf, allOf, $ref, "
                    + $"{string.Join(", ", s_keywords.Values.SelectMany(k => k))}.");
        if (schema.TryGetProperty("$ref", out var reference))
        {
            RequireAlone("$ref", keywords, path);
            return reference.ValueKind == JsonValueKind.String && reference.GetString()!.StartsWith('#')
                ? Reference(reference.GetString()!, $"{path}.$ref")
                : throw new CrossheadException($"{path}.$ref is {KeywordReader.Kind(reference)}; only references "
                    + "within the schema are supported, such as \"#/$defs/name\".");
        }
        if (keywords.FirstOrDefault(s_combinations.Contains) is { } combination)
        {
            RequireAlone(combination, keywords, path);
            return Combined(schema, combination, path, depth);
        }
        if (keywords.FirstOrDefault(s_values.Contains) is { } values)
        {
            RequireAlone(values, keywords, path, "type");
            return Values(schema, values, types, path);
        }
        return types is null ? _syntax.AnyValue
            : _builder.Any([.. types.Select(type => OfType(type, schema, path, depth))]);
    }

    private GrammarPart Combined(JsonElement schema, string keyword, string path, int depth)
    {
        var ways = KeywordReader.Items(schema.GetProperty(keyword), $"{path}.{keyword}");
        if (keyword == "allOf" && ways.Length > 1)
            throw new CrossheadException($"{path}.allOf has {ways.Length} schemas; only one is supported: put their "
                + "keywords into one schema.");
        if (keyword == "oneOf")
            for (var i = 0; i < ways.Length; i++)
                for (var other = 0; other < i; other++)
                    if (!_exclusion.Holds(ways[i], ways[other]))
                        throw new CrossheadException($"{path}.oneOf[{other}] and {path}.oneOf[{i}] may fit the same "
                            + "value; give them different types or constants, or a required property with different "
                            + "constants, or use anyOf.");
        return _builder.Any([.. ways.Index().Select(
            way => Compile(way.Item, $"{path}.{keyword}[{way.Index}]", depth + 1))]);
    }

    // The types that a schema names, or those that its keywords are for; null for any.
    private static string[]? Types(JsonElement schema, string path, string[] keywords)
    {
        if (!schema.TryGetProperty("type", out var type))
        {
            var implied = s_keywords.Where(known => known.Value.Any(keywords.Contains)).Select(known => known.Key);
            return implied.ToArray() is { Length: > 0 } some ? some : null;
        }
        var types = type.ValueKind == JsonValueKind.Array ? KeywordReader.Items(type, $"{path}.type") : [type];
        foreach (var one in types)
            if (one.ValueKind != JsonValueKind.String || !s_keywords.ContainsKey(one.GetString()!))
                throw new CrossheadException($"{path}.type has {KeywordReader.Kind(one)}; types are "
                    + $"{string.Join(", ", s_keywords.Keys)}.");
        return [.. types.Select(one => one.GetString()!).Distinct()];
    }

    private GrammarPart OfType(string type, JsonElement schema, string path, int depth)
    {
        switch (type)
        {
            case "object": return _objects.Compile(schema, path, depth);
            case "array": return _lists.Compile(schema, path, depth);
            case "string": return Text(schema, path);
            case "integer": return _numbers.Integers(schema, path);
            case "number": return _numbers.Numbers(schema, path);
            case "boolean": return _syntax.Boolean;
            default: return _syntax.Null;
        }
    }

    private GrammarPart Text(JsonElement schema, string path)
    {
        var (min, max) = KeywordReader.Counts(schema, "minLength", "maxLength", path);
        var format = schema.TryGetProperty("format", out var named) ? Format(named, path) : null;
        if (!schema.TryGetProperty("pattern", out var pattern) && format is null)
            return min is null && max is null ? _syntax.Text : _syntax.TextOf(min ?? 0, max);
        if (format is null && pattern.ValueKind != JsonValueKind.String)
            throw new CrossheadException($"{path}.pattern is {KeywordReader.Kind(pattern)}; it is a string.");
        if (min is not null || max is not null)
            throw new CrossheadException($"{path} has a {(format is null ? "pattern" : "format")} and a length; use "
                + "one of them, such as a pattern with counts.");
        if (format is not null && pattern.ValueKind != JsonValueKind.Undefined)
            throw new CrossheadException($"{path} has a format and a pattern; use one of them.");
        return _builder.Rule(_syntax.Quoted(new RegexParser(format ?? pattern.GetString()!, $"{path}.pattern",
            _builder, _syntax.Character, everywhere: format is null).Parse()));
    }

    private static string Format(JsonElement name, string path) =>
        name.ValueKind == JsonValueKind.String && TextFormats.All.TryGetValue(name.GetString()!, out var format)
            ? format : throw new CrossheadException($"{path}.format is {KeywordReader.Kind(name)}; supported are "
                + $"{string.Join(", ", TextFormats.All.Keys)}: leave it out, or use a pattern.");

    private GrammarPart Values(JsonElement schema, string keyword, string[]? types, string path)
    {
        var value = schema.GetProperty(keyword);
        var values = keyword == "const" ? [value] : KeywordReader.Items(value, $"{path}.enum");
        var texts = values.Where(one => types is null || types.Any(type => IsOf(type, one)))
            .Select(JsonSyntax.Written).ToArray();
        return texts.Length > 0 ? _builder.OneOf(texts)
            : throw new CrossheadException($"{path}.{keyword} has no value of the type {string.Join(", ", types!)}; "
                + "correct one of them.");
    }

    private static bool IsOf(string type, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => type == "object",
        JsonValueKind.Array => type == "array",
        JsonValueKind.String => type == "string",
        JsonValueKind.True or JsonValueKind.False => type == "boolean",
        JsonValueKind.Number => type == "number" || type == "integer" && value.TryGetInt64(out _),
        _ => type == "null",
    };

    private GrammarPart Reference(string reference, string path)
    {
        if (_references.TryGetValue(reference, out var known)) return known;
        var target = Target(reference, path);
        var rule = _builder.DeclareRule();
        _references.Add(reference, known = _builder.Call(rule));
        _open.Enqueue((rule, target, reference == "#" ? _name : $"{_name}{Dotted(reference)}"));
        return known;
    }

    private JsonElement Target(string reference, string path)
    {
        var target = _root;
        foreach (var part in reference[1..].Split('/').Skip(1))
        {
            var name = Uri.UnescapeDataString(part).Replace("~1", "/").Replace("~0", "~");
            if (target.ValueKind == JsonValueKind.Object && target.TryGetProperty(name, out var member))
                target = member;
            else if (target.ValueKind == JsonValueKind.Array && int.TryParse(name, out var index)
                && index >= 0 && index < target.GetArrayLength())
                target = target[index];
            else
                throw new CrossheadException($"{path} is \"{reference.Shown()}\", which the schema does not have; name "
                    + "a schema below $defs.");
        }
        return reference.Length == 1 || reference[1] == '/' ? target
            : throw new CrossheadException($"{path} is \"{reference.Shown()}\"; references are paths such as "
                + "\"#/$defs/name\".");
    }

    private static string Dotted(string reference) => reference[1..].Replace('/', '.').Shown();

    private static void RequireAlone(string keyword, string[] keywords, string path, string? except = null)
    {
        if (keywords.FirstOrDefault(other => other != keyword && other != except) is { } other)
            throw new CrossheadException($"{path} has {keyword} and {other.Shown()}; together they are not supported: "
                + "leave one of them out.");
    }
}
