using System.Reflection;
using System.Text;
using System.Text.Json;
using Crosshead.Server.Http;
using Crosshead.Server.Metrics;

namespace Crosshead.Server.Endpoints;

/// <summary>What the server is and does.</summary>
internal static class InfoEndpoints
{
    /// <summary>The version of this server.</summary>
    public static string Version { get; } = typeof(InfoEndpoints).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary><c>GET /info</c>: the model, the limits and the defaults in force.</summary>
    public static Task InfoAsync(Exchange exchange)
    {
        var (model, options) = (exchange.Model, exchange.Options);
        return exchange.SendAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("version", Version);
            json.WriteString("model", model.Names[0]);
            json.WriteString("root", model.Root);
            foreach (var (name, value) in model.Facts)
            {
                json.WritePropertyName(name);
                if (value is null) json.WriteNullValue();
                else value.WriteTo(json);
            }
            WriteLimits(json, model, options);
            WriteDefaults(json, model);
            json.WriteEndObject();
        });
    }

    /// <summary><c>GET /metrics</c>, in Prometheus' format.</summary>
    public static async Task MetricsAsync(Exchange exchange)
    {
        var text = exchange.Metrics.Write(exchange.Options.MetricsPrefix, exchange.State.Model);
        var response = exchange.Http.Response;
        response.ContentType = PrometheusText.ContentType;
        await response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), exchange.Http.RequestAborted);
    }

    /// <summary><c>POST /cache/clear</c>: forgets computed prefixes.</summary>
    public static Task ClearCacheAsync(Exchange exchange)
    {
        if (!exchange.State.Keys.Needed && !exchange.Options.IsLocal)
            throw new ApiException(403, "no_api_key",
                "the cache is cleared only with an API key; start the server with --api-key KEY.");
        exchange.Model.Engine.ClearPrefixes();
        return exchange.SendAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("status", "cleared");
            json.WriteEndObject();
        });
    }

    private static void WriteLimits(Utf8JsonWriter json, ServedModel model, ServerOptions options)
    {
        var engine = model.Engine;
        json.WriteStartObject("limits");
        json.WriteNumber("context", engine.Context);
        json.WriteNumber("slots", engine.Slots);
        json.WriteNumber("pages", engine.Statistics.Pages);
        json.WriteNumber("max_step_tokens", engine.Options.MaxStepTokens);
        json.WriteNumber("max_queued", engine.Options.MaxQueued);
        json.WriteNumber("max_queued_tokens", engine.Options.MaxQueuedTokens);
        if (engine.Options.RequestTimeout is { } limit) json.WriteNumber("request_timeout", limit.TotalSeconds);
        else json.WriteNull("request_timeout");
        if (options.RateLimit is { } rate) json.WriteNumber("rate_limit", rate);
        else json.WriteNull("rate_limit");
        json.WriteBoolean("prefix_cache", engine.Options.PrefixCache);
        json.WriteBoolean("priorities", engine.Options.Priorities);
        json.WriteBoolean("request_templates", model.RequestTemplate is not null);
        json.WriteNumber("max_choices", options.MaxChoices);
        json.WriteNumber("max_prompts", options.MaxPrompts);
        json.WriteNumber("max_body", options.MaxBody);
        json.WriteEndObject();
    }

    private static void WriteDefaults(Utf8JsonWriter json, ServedModel model)
    {
        var sampling = model.Defaults;
        json.WriteStartObject("defaults");
        json.WriteNumber("temperature", sampling.Temperature);
        json.WriteNumber("top_k", sampling.TopK);
        json.WriteNumber("top_p", sampling.TopP);
        json.WriteNumber("min_p", sampling.MinP);
        json.WriteNumber("repetition_penalty", sampling.RepetitionPenalty);
        json.WriteEndObject();
    }
}
