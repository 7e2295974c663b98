using System.Text;
using System.Text.Json.Nodes;
using Crosshead.Server.Endpoints;
using Crosshead.Server.Fields;

namespace Crosshead.Tests.Server;

/// <summary>The page of the documentation that lists addresses and fields, made from the server's own tables.</summary>
internal static class ApiPage
{
    private const int Width = 120;

    private static readonly Dictionary<string, string> s_several = new()
    {
        ["string"] = "texts",
        ["integer"] = "whole numbers",
        ["array"] = "lists of whole numbers",
        ["object"] = "objects {…}",
    };

    /// <summary>The page.</summary>
    public static string Text()
    {
        var page = new StringBuilder("""
            # The interface of the server

            [Serving a model](serving.md) explains how requests and answers work. This page is made from the tables that
            the server reads requests by.

            ## Addresses

            Each works with `/v1` before it and without.

            | method | address | what it does |
            |---|---|---|

            """);
        foreach (var route in RouteTable.All.Where(r => !r.IsPart))
            page.Append($"| {route.Method} | `{Address(route)}` | {route.Summary} |\n");
        page.Append("\nAn error is `{\"error\": {\"message\", \"type\", \"param\", \"code\"}}` with a status of 400 or "
            + "more. What is no\nvalid HTTP is answered with a status alone.\n");
        Section(page, "Fields of completions and chats", SharedFields.All);
        Section(page, "Fields of completions alone", CompletionFields.Table.All.Except(SharedFields.All));
        Section(page, "Fields of chats alone", ChatFields.Table.All.Except(SharedFields.All));
        Section(page, "Fields of /tokenize", TokenizerFields.Tokenize.All.Except(ChatFields.Template.All));
        Section(page, "Fields of /detokenize", TokenizerFields.Detokenize.All.Except([SharedFields.Model]));
        page.Append('\n').Append(Wrapped("`/tokenize` takes the fields of a conversation too, and "
            + "`/apply-template` takes only those: "
            + string.Join(", ", ChatFields.Template.All.Where(f => f is not RefusedField).Select(f => $"`{f.Name}`"))
            + "."));
        return page.ToString();
    }

    private static string Wrapped(string paragraph)
    {
        var (text, column) = (new StringBuilder(), 0);
        foreach (var word in paragraph.Split(' '))
        {
            if (column > 0) text.Append(column + word.Length >= Width ? '\n' : ' ');
            column = column + word.Length >= Width ? word.Length : column + word.Length + (column > 0 ? 1 : 0);
            text.Append(word);
        }
        return text.Append('\n').ToString();
    }

    private static void Section(StringBuilder page, string title, IEnumerable<Field> fields)
    {
        page.Append($"\n## {title}\n\n| field | value | meaning |\n|---|---|---|\n");
        var all = fields.ToArray();
        foreach (var field in all.Where(f => f is not (UnusedField or RefusedField)))
            page.Append($"| `{field.Name}` | {Value(field)} | {field.Meaning} |\n");
        if (all.OfType<UnusedField>().ToArray() is { Length: > 0 } unused)
            page.Append($"\nTaken and not used: {string.Join(", ", unused.Select(f => $"`{f.Name}`"))}.\n");
        if (all.OfType<RefusedField>().ToArray() is { Length: > 0 } refused)
        {
            page.Append("\nRefused, because an answer without them would be wrong:\n\n| field | instead |\n");
            page.Append("|---|---|\n");
            foreach (var field in refused) page.Append($"| `{field.Name}` | {field.Remedy} |\n");
        }
    }

    private static string Value(Field field) => field switch
    {
        IntegerField integer => integer.Range,
        NumberField number => number.Range,
        SwitchField => "true or false",
        TextField { Most: int.MaxValue } => "a text",
        TextField text => $"a text of {text.Least} to {text.Most} characters",
        FormField form => Kind(JsonNode.Parse(form.Schema)!),
        _ => throw new InvalidOperationException(field.Name),
    };

    private static string Kind(JsonNode schema) => (string?)schema["type"] switch
    {
        "string" => "a text",
        "integer" => "a whole number",
        "array" when schema["items"]?["type"] is JsonValue item => $"a list of {s_several[(string)item!]}",
        "array" => "a list",
        "object" => "an object {…}",
        "null" => "null",
        _ when schema["enum"] is JsonArray words =>
            string.Join(", ", words.Select(w => $"\"{w}\"")),
        _ => string.Join(", or ", schema["anyOf"]!.AsArray().Select(one => Kind(one!))),
    };

    private static string Address(Route route) =>
        route.Shown.EndsWith('/') && route.Shown.Length > 1 ? route.Shown + "{id}" : route.Shown;
}
