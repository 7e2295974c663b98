using System.Text.Json;

namespace Crosshead.Text.Grammars;

/// <summary>
/// Turns a JSON schema into a grammar of the JSON texts that fit it. A keyword that is not supported is refused.
/// </summary>
/// <remarks>
/// An object has its properties in the order of the schema; those that are not required may be left out. Without
/// "additionalProperties" an object with "properties" has no others. Additional properties stand last, and their names
/// have no escapes.
/// </remarks>
internal sealed class JsonSchemaCompiler
{
    private static readonly string[] s_annotations = ["title", "description", "default", "examples", "$schema", "$id",
        "$comment", "$defs", "definitions", "deprecated", "readOnly", "writeOnly"];

    private static readonly string[] s_values = ["enum", "const"];

    /// <summary>The keywords of each type.</summary>
    private static readonly Dictionary<string, string[]> s_keywords = new()
    {
        ["object"] = ["properties", "required", "additionalProperties"],
        ["array"] = ["items", "minItems", "maxItems"],
        ["string"] = ["minLength", "maxLength", "pattern"],
        ["integer"] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
        ["number"] = [],
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

    /// <summary>Begins to compile a schema.</summary>
    /// <param name="builder">The builder of the parts.</param>
    /// <param name="syntax">The parts of JSON.</param>
    /// <param name="root">The schema, to which references lead.</param>
    /// <param name="name">What messages call it.</param>
    public JsonSchemaCompiler(GrammarBuilder builder, JsonSyntax syntax, JsonElement root, string name)
    {
        (_builder, _syntax, _root, _name) = (builder, syntax, root, name);
        _objects = new ObjectSchema(builder, syntax, Compile);
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
            throw new CrossheadException($"{path} is {Kind(schema)}; a schema is an object or true.");
        var keywords = schema.EnumerateObject().Select(member => member.Name).Except(s_annotations).ToArray();
        var types = Types(schema, path, keywords);
        foreach (var keyword in keywords)
            if (keyword is not ("type" or "$ref" or "anyOf") && !s_values.Contains(keyword)
                && !s_keywords.Values.Any(known => known.Contains(keyword)))
                throw new CrossheadException($"{path}.{keyword.Shown()} is not supported; leave it out. Supported are "
                    + $"type, enum, const, anyOf, $ref, {string.Join(", ", s_keywords.Values.SelectMany(k => k))}.");
        if (schema.TryGetProperty("$ref", out var reference))
        {
            RequireAlone("$ref", keywords, path);
            return reference.ValueKind == JsonValueKind.String && reference.GetString()!.StartsWith('#')
                ? Reference(reference.GetString()!, $"{path}.$ref")
                : throw new CrossheadException($"{path}.$ref is {Kind(reference)}; only references within the schema "
                    + "are supported, such as \"#/$defs/name\".");
        }
        if (schema.TryGetProperty("anyOf", out var anyOf))
        {
            RequireAlone("anyOf", keywords, path);
            var ways = Items(anyOf, $"{path}.anyOf").Index()
                .Select(way => Compile(way.Item, $"{path}.anyOf[{way.Index}]", depth + 1));
            return _builder.Any([.. ways]);
        }
        if (keywords.FirstOrDefault(s_values.Contains) is { } values)
        {
            RequireAlone(values, keywords, path, "type");
            return Values(schema, values, types, path);
        }
        return types is null ? _syntax.AnyValue
            : _builder.Any([.. types.Select(type => OfType(type, schema, path, depth))]);
    }

    // The types that a schema names, or those that its keywords are for; null for any.
    private static string[]? Types(JsonElement schema, string path, string[] keywords)
    {
        if (!schema.TryGetProperty("type", out var type))
        {
            var implied = s_keywords.Where(known => known.Value.Any(keywords.Contains)).Select(known => known.Key);
            return implied.ToArray() is { Length: > 0 } some ? some : null;
        }
        var types = type.ValueKind == JsonValueKind.Array ? Items(type, $"{path}.type") : [type];
        foreach (var one in types)
            if (one.ValueKind != JsonValueKind.String || !s_keywords.ContainsKey(one.GetString()!))
                throw new CrossheadException($"{path}.type has {Kind(one)}; types are "
                    + $"{string.Join(", ", s_keywords.Keys)}.");
        return [.. types.Select(one => one.GetString()!).Distinct()];
    }

    private GrammarPart OfType(string type, JsonElement schema, string path, int depth)
    {
        switch (type)
        {
            case "object": return _objects.Compile(schema, path, depth);
            case "array":
                var item = !schema.TryGetProperty("items", out var items) ? _syntax.AnyValue
                    : Compile(items, $"{path}.items", depth + 1);
                var (few, many) = (Count(schema, "minItems", path), Count(schema, "maxItems", path));
                RequireOrder(few, many, "minItems", "maxItems", path);
                return _syntax.List(few > 0 || many is not null ? _builder.Rule(item) : item, few ?? 0, many);
            case "string": return Text(schema, path);
            case "integer": return Integer(schema, path);
            case "number":
                foreach (var keyword in s_keywords["integer"])
                    if (schema.TryGetProperty(keyword, out _))
                        throw new CrossheadException($"{path}.{keyword} is supported for integers only; leave it out, "
                            + "or use the type integer.");
                return _syntax.Number;
            case "boolean": return _syntax.Boolean;
            default: return _syntax.Null;
        }
    }

    private GrammarPart Text(JsonElement schema, string path)
    {
        var (min, max) = (Count(schema, "minLength", path), Count(schema, "maxLength", path));
        RequireOrder(min, max, "minLength", "maxLength", path);
        if (!schema.TryGetProperty("pattern", out var pattern))
            return min is null && max is null ? _syntax.Text : _syntax.TextOf(min ?? 0, max);
        if (pattern.ValueKind != JsonValueKind.String)
            throw new CrossheadException($"{path}.pattern is {Kind(pattern)}; it is a string.");
        if (min is not null || max is not null)
            throw new CrossheadException($"{path} has a pattern and a length; use one of them, such as a pattern with "
                + "counts.");
        return _builder.Rule(_syntax.Quoted(new RegexParser(pattern.GetString()!, $"{path}.pattern", _builder,
            _syntax.Character, everywhere: true).Parse()));
    }

    private GrammarPart Integer(JsonElement schema, string path)
    {
        long? Bound(string keyword, Func<decimal, decimal> whole) =>
            !schema.TryGetProperty(keyword, out var bound) ? null
            : bound.ValueKind != JsonValueKind.Number
                ? throw new CrossheadException($"{path}.{keyword} is {Kind(bound)}; it is a number.")
            : bound.TryGetDecimal(out var value) && Math.Abs(value) <= IntegerRange.Largest
                ? (long)Math.Clamp(whole(value), -IntegerRange.Largest, IntegerRange.Largest)
            : throw new CrossheadException($"{path}.{keyword} is {bound.GetRawText().Shown()}; bounds of integers lie "
                + $"between -{IntegerRange.Largest} and {IntegerRange.Largest}.");
        long?[] least = [Bound("minimum", decimal.Ceiling),
            Bound("exclusiveMinimum", bound => decimal.Floor(bound) + 1)];
        long?[] most = [Bound("maximum", decimal.Floor),
            Bound("exclusiveMaximum", bound => decimal.Ceiling(bound) - 1)];
        if (least.Concat(most).All(bound => bound is null)) return _syntax.Integer;
        var usual = (long)Math.Pow(10, GrammarLimits.Digits) - 1;
        var min = least.Max() ?? Math.Min(-usual, most.Min()!.Value);
        var max = most.Min() ?? Math.Max(usual, min);
        return min <= max ? _builder.Rule(IntegerRange.Of(_builder, min, max))
            : throw new CrossheadException($"{path} allows integers from {min} to {max}, so none; correct its bounds.");
    }

    private GrammarPart Values(JsonElement schema, string keyword, string[]? types, string path)
    {
        var value = schema.GetProperty(keyword);
        var values = keyword == "const" ? [value] : Items(value, $"{path}.enum");
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
        if (reference.Length > 1 && reference[1] != '/')
            throw new CrossheadException($"{path} is \"{reference.Shown()}\"; references are paths such as "
                + "\"#/$defs/name\".");
        var rule = _builder.DeclareRule();
        _references.Add(reference, known = _builder.Call(rule));
        _open.Enqueue((rule, target, reference == "#" ? _name : $"{_name}{Dotted(reference)}"));
        return known;
    }

    private static string Dotted(string reference) => reference[1..].Replace('/', '.').Shown();

    private static JsonElement[] Items(JsonElement list, string path) =>
        list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0
            ? throw new CrossheadException($"{path} is {Kind(list)}; it is a list with at least one item.")
        : list.GetArrayLength() > GrammarLimits.Alternatives && !path.EndsWith(".enum", StringComparison.Ordinal)
            ? throw new CrossheadException($"{path} has {list.GetArrayLength():N0} items; at most "
                + $"{GrammarLimits.Alternatives} are supported.")
        : [.. list.EnumerateArray()];

    private static long? Count(JsonElement schema, string keyword, string path) =>
        !schema.TryGetProperty(keyword, out var count) ? null
        : count.ValueKind == JsonValueKind.Number && count.TryGetInt64(out var value) && value >= 0 ? value
        : throw new CrossheadException($"{path}.{keyword} is {Kind(count)}; it is a whole number from 0.");

    private static void RequireOrder(long? min, long? max, string least, string most, string path)
    {
        if (min > max)
            throw new CrossheadException($"{path}.{least} ({min}) is larger than {most} ({max}); correct one of them.");
    }

    private static void RequireAlone(string keyword, string[] keywords, string path, string? except = null)
    {
        if (keywords.FirstOrDefault(other => other != keyword && other != except) is { } other)
            throw new CrossheadException($"{path} has {keyword} and {other.Shown()}; together they are not supported: "
                + "leave one of them out.");
    }

    private static string Kind(JsonElement element) => element.GetRawText().Shown();
}
