using System.Text.Json;
using Crosshead.Text.Chat.Answers;
using static Crosshead.Text.Grammars.GrammarBuilder;

namespace Crosshead.Text.Grammars;

/// <summary>
/// The calls of one tool with tags, as Qwen 3 Coder, Seed-OSS and GLM write them. Arguments stand in the order of the
/// schema. A string is written without quotes; any other value is JSON.
/// </summary>
/// <param name="builder">The builder of the parts.</param>
/// <param name="syntax">The parts of JSON.</param>
/// <param name="marks">The marks of calls.</param>
/// <param name="schema">The schema of the tool's arguments.</param>
/// <param name="name">What messages call the schema.</param>
/// <param name="tags">The tags.</param>
internal sealed class XmlCallGrammar(GrammarBuilder builder, JsonSyntax syntax, TokenMarks marks, JsonElement schema,
    string name, ArgumentTags tags)
{
    public GrammarPart Compile(string tool)
    {
        var whole = new JsonSchemaCompiler(builder, syntax, schema, name);
        _ = whole.Compile(); // refuses what is not supported
        string[] required = schema.TryGetProperty("required", out var names)
            ? [.. names.EnumerateArray().Select(one => one.GetString()!)] : [];
        JsonProperty[] properties = schema.TryGetProperty("properties", out var members)
            ? [.. members.EnumerateObject()] : [];
        var arguments = properties.Select(property => (Part: Argument(property.Name, property.Value, whole),
            IsRequired: required.Contains(property.Name))).ToArray();
        return Sequence(builder.Text($"{tags.CallBegin}{tool}{tags.NameEnd}"), from =>
        {
            foreach (var (part, isRequired) in arguments)
                from = builder.Join(isRequired ? [part(from)] : [from, part(from)]);
            return from;
        }, builder.Text(tags.CallEnd));
    }

    private GrammarPart Argument(string property, JsonElement value, JsonSchemaCompiler whole) =>
        Sequence(builder.Text($"{tags.KeyBegin}{property}{tags.ValueBegin}"), !TaggedCallReader.IsString(value)
            ? Sequence(whole.CompileProperty(property), builder.Text(tags.ValueEnd))
            : Text(property, value, tags.ValueEnd), builder.Text("\n"));

    private GrammarPart Text(string property, JsonElement value, string end)
    {
        foreach (var keyword in (string[])["pattern", "format", "minLength", "maxLength"])
            if (value.TryGetProperty(keyword, out _))
                throw new CrossheadException($"{name}.properties.{property.Shown()}.{keyword} cannot be enforced in "
                    + "this model's form of tool calls; leave it out.");
        JsonElement[]? choices = value.TryGetProperty("enum", out var list) ? [.. list.EnumerateArray()]
            : value.TryGetProperty("const", out var one) ? [one] : null;
        return choices is null ? marks.UpTo(end) : Sequence(builder.OneOf(choices
            .Where(choice => choice.ValueKind == JsonValueKind.String).Select(choice => choice.GetString()!)),
            builder.Text(end));
    }
}
