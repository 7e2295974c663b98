using Crosshead.Server.Http;
using Crosshead.Server.Metrics;
using Crosshead.Server.Requests;

namespace Crosshead.Server.Endpoints;

/// <summary>What all requests of a server share.</summary>
/// <param name="options">Where and how it answers.</param>
internal sealed class ServerState(ServerOptions options)
{
    private volatile ServedModel? _model;
    private volatile string? _failure;

    /// <summary>Where and how it answers.</summary>
    public ServerOptions Options => options;

    /// <summary>The keys that it knows.</summary>
    public ApiKeys Keys { get; } = new(options.ApiKeys);

    /// <summary>How many requests each client may send.</summary>
    public RateLimit Rates { get; } =
        new(options.RateLimit, Math.Max(options.ApiKeys.Count, 1), TimeProvider.System);

    /// <summary>What it counts.</summary>
    public ServerMetrics Metrics { get; } = new();

    /// <summary>When it began.</summary>
    public DateTimeOffset Started { get; } = DateTimeOffset.UtcNow;

    /// <summary>What it is doing while there is no model.</summary>
    public volatile string Loading = "the model is being loaded";

    /// <summary>Whether it takes no more requests.</summary>
    public volatile bool Draining;

    /// <summary>The model; null while it is loaded.</summary>
    public ServedModel? Model
    {
        get => _model;
        set
        {
            if (value is not null) Constraints = new Constraints(value);
            _model = value;
        }
    }

    /// <summary>The forms of the model's answers; null while there is no model.</summary>
    public Constraints? Constraints { get; private set; }

    /// <summary>Why there will be no model; null unless loading failed or the engine did.</summary>
    public string? Failure
    {
        get => _failure ?? _model?.Engine.Failure;
        set => _failure = value;
    }
}
