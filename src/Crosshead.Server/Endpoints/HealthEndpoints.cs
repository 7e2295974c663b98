using Crosshead.Serving;

namespace Crosshead.Server.Endpoints;

/// <summary>Whether the server works, for those who watch it.</summary>
internal static class HealthEndpoints
{
    /// <summary><c>GET /health</c>: 200 if it takes requests, otherwise 503 and why.</summary>
    public static Task HealthAsync(Exchange exchange)
    {
        var state = exchange.State;
        var (status, detail) = state switch
        {
            { Failure: { } failure } => ("failed", failure.Split('\n')[0]),
            { Draining: true } => ("draining", null),
            { Model: null } => ("loading", state.Loading),
            { Model.Engine.State: EngineState.Failed } => ("failed", null),
            { Model.Engine.State: EngineState.Draining } => ("draining", null),
            _ => ("ok", (string?)null),
        };
        return exchange.SendAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("status", status);
            if (detail is not null) json.WriteString("detail", detail);
            json.WriteEndObject();
        }, status == "ok" ? 200 : 503);
    }

    /// <summary><c>GET /live</c>: 200 while the process answers.</summary>
    public static Task LiveAsync(Exchange exchange) => exchange.SendAsync(json =>
    {
        json.WriteStartObject();
        json.WriteString("status", "live");
        json.WriteEndObject();
    });
}
