using System.Text;
using System.Text.Json;
using Crosshead.Server.Http;

namespace Crosshead.Server.Endpoints;

/// <summary>
/// <c>GET /openapi.json</c>: the addresses and their fields, made from the tables that the readers use.
/// </summary>
internal static class OpenApiEndpoint
{
    /// <summary>Answers a request.</summary>
    public static Task HandleAsync(Exchange exchange) => exchange.SendAsync(Write);

    /// <summary>The description as a text of several lines.</summary>
    public static string Text()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, JsonOutput.Format with { Indented = true })) Write(json);
        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    private static void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("openapi", "3.1.0");
        json.WriteStartObject("info");
        json.WriteString("title", "Crosshead");
        json.WriteString("version", typeof(OpenApiEndpoint).Assembly.GetName().Version!.ToString(3));
        json.WriteEndObject();
        json.WriteStartObject("paths");
        foreach (var path in RouteTable.All.Where(r => !r.IsPart).GroupBy(r => r.Shown))
        {
            json.WriteStartObject(path.Key.EndsWith('/') && path.Key.Length > 1 ? path.Key + "{id}" : path.Key);
            foreach (var route in path) WriteRoute(json, route);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteRoute(Utf8JsonWriter json, Route route)
    {
        json.WriteStartObject(route.Method.ToLowerInvariant());
        json.WriteString("summary", route.Summary);
        if (route.Path.EndsWith('/') && route.Path.Length > 1)
        {
            json.WriteStartArray("parameters");
            json.WriteRawValue("""{"name":"id","in":"path","required":true,"schema":{"type":"string"}}""");
            json.WriteEndArray();
        }
        if (route.Fields is { } fields)
        {
            json.WriteStartObject("requestBody");
            json.WriteBoolean("required", true);
            json.WriteStartObject("content");
            json.WriteStartObject("application/json");
            json.WriteStartObject("schema");
            json.WriteString("type", "object");
            json.WriteStartObject("properties");
            foreach (var field in fields.All)
            {
                json.WriteStartObject(field.Name);
                field.WriteSchema(json);
                json.WriteString("description", field.Meaning);
                json.WriteEndObject();
            }
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteStartObject("responses");
        json.WriteStartObject("200");
        json.WriteString("description", route.Summary);
        json.WriteEndObject();
        json.WriteStartObject("default");
        json.WriteString("description", "An error: {\"error\":{\"message\",\"type\",\"param\",\"code\"}}.");
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
