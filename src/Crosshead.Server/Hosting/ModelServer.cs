using System.Net;
using System.Net.Sockets;
using Crosshead.Server.Endpoints;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Crosshead.Server.Hosting;

/// <summary>
/// Serves a model over HTTP with OpenAI's interface. It answers from its start on: while the model is loaded it says
/// so.
/// </summary>
public sealed class ModelServer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly ServerState _state;

    private ModelServer(WebApplication application, ServerState state) => (_application, _state) = (application, state);

    /// <summary>Where it answers, with the port in use.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>Starts to listen, without a model.</summary>
    /// <param name="options">Where and how.</param>
    /// <param name="log">Takes a line for each request at its end, from any thread; null for none.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="CrossheadException">An option is out of range, or the address cannot be used.</exception>
    public static async Task<ModelServer> StartAsync(ServerOptions options, Action<string>? log = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Configure(kestrel, options));
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        var state = new ServerState(options);
        var application = builder.Build();
        var router = new Router(state, new RequestLog(log, options.LogsPrompts));
        application.Run(router.HandleAsync);
        try
        {
            await application.StartAsync(cancellation);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            await application.DisposeAsync();
            throw new CrossheadException($"cannot listen at {new IPEndPoint(options.Address, options.Port)}: "
                + $"{e.Reason()}; choose another address or port.", e);
        }
        var addresses = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!;
        return new ModelServer(application, state) { Address = new Uri(addresses.Addresses.First()) };
    }

    /// <summary>Says what a server without a model waits for.</summary>
    /// <param name="what">A sentence without its full stop, such as <c>the weights are being read</c>.</param>
    public void Loading(string what) => _state.Loading = what;

    /// <summary>Answers with a model from now on.</summary>
    /// <param name="model">The model; it must outlive the server.</param>
    public void Serve(ServedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        model.Engine.Stepped += _state.Metrics.Stepped;
        _state.Model = model;
    }

    /// <summary>
    /// Takes no more requests, lets the running ones end within <see cref="ServerOptions.Drain"/>, and stops to listen.
    /// </summary>
    public async Task StopAsync()
    {
        _state.Draining = true;
        if (_state.Model is { } model) await model.Engine.DrainAsync(_state.Options.Drain);
        // What the engine has ended is sent before the connections close.
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await _application.StopAsync(soon.Token);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_state.Model is { } model) model.Engine.Stepped -= _state.Metrics.Stepped;
        await _application.DisposeAsync();
    }

    private static void Configure(KestrelServerOptions kestrel, ServerOptions options)
    {
        kestrel.AddServerHeader = false;
        kestrel.AllowSynchronousIO = false;
        kestrel.Limits.MaxRequestBodySize = options.MaxBody;
        kestrel.Limits.MaxConcurrentConnections = options.MaxConnections;
        kestrel.Listen(options.Address, options.Port, listen => listen.Protocols = HttpProtocols.Http1);
    }

    // The program that starts a server decides about signals.
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
