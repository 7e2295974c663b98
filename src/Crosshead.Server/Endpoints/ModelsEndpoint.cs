using System.Text.Json;
using Crosshead.Server.Http;

namespace Crosshead.Server.Endpoints;

/// <summary><c>GET /v1/models</c> and <c>/v1/models/{id}</c>: the names of the served model.</summary>
internal static class ModelsEndpoint
{
    /// <summary>All names.</summary>
    public static Task ListAsync(Exchange exchange)
    {
        var model = exchange.Model;
        return exchange.SendAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("object", "list");
            json.WriteStartArray("data");
            foreach (var name in model.Names) Write(json, name, exchange, model);
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    /// <summary>One name.</summary>
    public static Task OneAsync(Exchange exchange)
    {
        var (model, name) = (exchange.Model, exchange.Rest);
        if (!model.Names.Contains(name))
            throw new ApiException(404, "model_not_found", $"model \"{Excerpt.Of(name)}\" is not served here; "
                + Suggestion.For(name, model.Names), "model");
        return exchange.SendAsync(json => Write(json, name, exchange, model));
    }

    private static void Write(Utf8JsonWriter json, string name, Exchange exchange, ServedModel model)
    {
        json.WriteStartObject();
        json.WriteString("id", name);
        json.WriteString("object", "model");
        json.WriteNumber("created", exchange.State.Started.ToUnixTimeSeconds());
        json.WriteString("owned_by", "crosshead");
        json.WriteString("root", model.Root);
        json.WriteNull("parent");
        json.WriteNumber("max_model_len", model.Engine.Context);
        json.WriteStartArray("permission");
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
