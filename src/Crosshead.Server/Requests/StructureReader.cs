using System.Text.Json;
using Crosshead.Server.Fields;
using Crosshead.Server.Http;
using Crosshead.Serving;
using Crosshead.Text.Grammars;
using static Crosshead.Server.Fields.SharedFields;

namespace Crosshead.Server.Requests;

/// <summary>
/// Reads the form that answers must have: JSON, a schema, an expression, some texts, or calls of tools.
/// </summary>
/// <param name="values">The request.</param>
/// <param name="model">The model that answers.</param>
/// <param name="constraints">Compiles forms.</param>
/// <param name="thought">A thought that may stand before the form; null for none.</param>
internal sealed class StructureReader(FieldValues values, ServedModel model, Constraints constraints,
    ThoughtPrefix? thought = null)
{
    private const string Formats = "{\"type\":\"text\"}, {\"type\":\"json_object\"} or {\"type\":\"json_schema\","
        + "\"json_schema\":{\"schema\":{…}}}";

    /// <summary>What makes the constraint of an answer; null if any text will do.</summary>
    /// <param name="tools">The tools that the model may call; null for none.</param>
    /// <exception cref="ApiException">The form is not known, cannot be compiled, or two are asked for.</exception>
    public Func<ITokenConstraint>? Read(ToolUse? tools = null)
    {
        var format = Format();
        var structured = StructuredOutput();
        var calls = tools is { Must: true } ? Calls(tools) : null;
        if (new[] { format, structured, calls }.Count(form => form is not null) > 1)
            throw ApiException.Invalid(format is null ? Structured.Name : ResponseFormat.Name,
                "response_format, structured_outputs and a required tool each give the answer a form; ask for one.");
        return format ?? structured ?? calls;
    }

    private Func<ITokenConstraint>? Format()
    {
        if (values[ResponseFormat] is not { } value) return null;
        var type = Member(value, "type") is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
        switch (type)
        {
            case "text": return null;
            case "json_object":
                return Compile(ResponseFormat, "object", () => Grammar.JsonObject(thought));
            case "json_schema":
                const string Path = "response_format.json_schema.schema";
                if (Member(value, "json_schema") is not { } named || Member(named, "schema") is not { } schema)
                    throw ApiException.Invalid(Path, $"{Path} is missing; give a JSON schema {{…}}.");
                return Schema(ResponseFormat, schema, Path);
            default: throw FieldValues.Wrong(ResponseFormat, value, Formats);
        }
    }

    private Func<ITokenConstraint>? StructuredOutput()
    {
        if (values[Structured] is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Object)
            throw FieldValues.Wrong(Structured, value, "an object with json, regex or choice");
        JsonProperty[] given = [.. value.EnumerateObject().Where(m => m.Value.ValueKind != JsonValueKind.Null)];
        if (given is not [{ Name: "json" or "regex" or "choice" } form])
            throw FieldValues.Wrong(Structured, value, "an object with exactly one of json, regex and choice");
        var path = $"{Structured.Name}.{form.Name}";
        switch (form.Name)
        {
            case "json": return Schema(Structured, form.Value, path);
            case "regex":
                if (form.Value.ValueKind != JsonValueKind.String) throw Kind(path, form.Value, "a text");
                var pattern = form.Value.GetString()!;
                return Compile(Structured, "regex " + pattern, () => Grammar.Regex(pattern, thought));
            default:
                if (form.Value.ValueKind != JsonValueKind.Array
                    || form.Value.EnumerateArray().Any(c => c.ValueKind != JsonValueKind.String))
                    throw Kind(path, form.Value, "a list of texts");
                string[] choices = [.. form.Value.EnumerateArray().Select(c => c.GetString()!)];
                return Compile(Structured, "choice " + form.Value.GetRawText(),
                    () => Grammar.Choice(choices, thought));
        }
    }

    // A schema may be written as a text.
    private Func<ITokenConstraint> Schema(Field field, JsonElement value, string path)
    {
        if (value.ValueKind == JsonValueKind.String)
            try
            {
                using var document = JsonInput.Parse(System.Text.Encoding.UTF8.GetBytes(value.GetString()!));
                value = document.RootElement.Clone();
            }
            catch (ApiException)
            {
                throw Kind(path, value, "a JSON schema {…}");
            }
        if (value.ValueKind is not (JsonValueKind.Object or JsonValueKind.True))
            throw Kind(path, value, "a JSON schema {…}");
        var schema = value;
        return Compile(field, "schema " + schema.GetRawText(), () => Grammar.JsonSchema(schema, path, thought));
    }

    private Func<ITokenConstraint> Calls(ToolUse use)
    {
        var tools = use.Named is { } named ? [named] : use.Tools;
        var several = use.Several && use.Named is null;
        var key = $"calls {several} {string.Join(' ', tools.Select(t => t.Definition.GetRawText()))}";
        return Compile(ChatFields.ToolChoice, key,
            () => Grammar.ToolCalls(tools, model.AnswerFormat, model.Tokenizer, several, thought));
    }

    private Func<ITokenConstraint> Compile(Field field, string key, Func<Grammar> compile)
    {
        try
        {
            return constraints.Of(model.AnswerFormat, $"{thought?.HasBegun} {key}", compile);
        }
        catch (CrossheadException e)
        {
            throw ApiException.Invalid(field.Name, e.Message);
        }
    }

    private static JsonElement? Member(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var member)
            && member.ValueKind != JsonValueKind.Null ? member : null;

    private static ApiException Kind(string path, JsonElement value, string kind) =>
        ApiException.Invalid(path, $"{path} ({value.Shown()}) must be {kind}.");
}
