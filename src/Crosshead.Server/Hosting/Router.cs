using Crosshead.Server.Endpoints;
using Crosshead.Server.Http;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;

namespace Crosshead.Server.Hosting;

/// <summary>Takes every request to what answers it, and answers failures.</summary>
/// <param name="state">What all requests share.</param>
/// <param name="log">Takes a line for each request at its end.</param>
internal sealed class Router(ServerState state, RequestLog log)
{
    private static readonly string[] s_known =
        [.. RouteTable.All.Where(r => !r.IsPart).Select(r => r.Shown).Distinct()];

    /// <summary>Answers a request.</summary>
    public async Task HandleAsync(HttpContext http)
    {
        using var exchange = new Exchange(http, state, RequestId.Of(http.Request));
        http.Response.Headers[RequestId.Header] = exchange.Id;
        ApiException? error = null;
        var gone = false;
        try
        {
            var route = Route(exchange);
            error = route.Generates ? Full() ?? state.Rates.Use(exchange.Client) : null;
            await (error is null ? route.Handle(exchange) : JsonOutput.SendErrorAsync(http, error));
        }
        catch (Exception e)
        {
            gone = http.RequestAborted.IsCancellationRequested || e is ConnectionResetException;
            error = Error(e, exchange);
            if (e is BrokenStreamException) throw; // Kestrel then ends the connection without the stream's end
            if (gone) return;
            if (http.Response.HasStarted) throw;
            await JsonOutput.SendErrorAsync(http, error);
        }
        finally
        {
            if (error is not null && !gone) state.Metrics.Rejected(error.Code);
            log.Write(exchange, error, gone);
        }
    }

    private Route Route(Exchange exchange)
    {
        var request = exchange.Http.Request;
        var path = request.Path.Value ?? "/";
        var (routes, rest) = RouteTable.Find(path);
        exchange.Rest = rest;
        // A client without a key learns nothing of the addresses either.
        if (!IsOpen(routes)) exchange.Client = state.Keys.Require(request);
        KnownHost.Require(request, state.Options);
        SameOrigin.Require(request);
        if (routes.Count == 0)
            throw new ApiException(404, "not_found",
                $"there is nothing at {Excerpt.Of(path)}; {Suggestion.For(path, s_known)}");
        var method = HttpMethods.IsHead(request.Method) ? HttpMethods.Get : request.Method;
        return routes.FirstOrDefault(r => r.Method == method) ?? throw new ApiException(405, "method_not_allowed",
            $"{routes[0].Shown} does not know {Excerpt.Of(request.Method)}; use {Methods(routes)}.")
        {
            Allow = Methods(routes),
        };
    }

    // A full queue refuses requests before they are read, and without exceptions: there may be very many.
    private ApiException? Full() => state is { Model: { } model, Failure: null, Draining: false }
        && model.Engine.Full is { } refusal ? Failures.OfSubmission(refusal) : null;

    private bool IsOpen(IReadOnlyList<Route> routes) => routes.Count > 0 && routes.All(r =>
        r.Open == Openness.Always || r.Open == Openness.Local && state.Options.IsLocal);

    private ApiException Error(Exception e, Exchange exchange)
    {
        switch (e)
        {
            case ApiException already: return already;
            case BrokenStreamException broken:
                if (broken.InnerException is not CrossheadException) log.Fault(exchange, broken.InnerException!);
                return broken.Error;
            case BadHttpRequestException bad: return new ApiException(bad.StatusCode, "bad_request", bad.Message);
            case ConnectionResetException:
            case OperationCanceledException when exchange.Http.RequestAborted.IsCancellationRequested:
                return new ApiException(499, "client_gone", "the client is gone.");
            case CrossheadException refused: return new ApiException(400, "invalid_request", refused.Message);
            default:
                if (!exchange.Http.RequestAborted.IsCancellationRequested) log.Fault(exchange, e);
                return Failures.OfServer(e);
        }
    }

    private static string Methods(IReadOnlyList<Route> routes) =>
        string.Join(", ", routes.SelectMany(r => r.Method == "GET" ? ["GET", "HEAD"] : (string[])[r.Method]));
}
