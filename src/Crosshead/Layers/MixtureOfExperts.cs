using Crosshead.Kernels.Experts;
using Crosshead.Kernels.Products;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>
/// A sparse feed-forward layer. A router gives each token the k experts with the highest scores. The output is the sum
/// of their outputs, weighted by the router, and of the shared experts' output. Experts without tokens are not
/// computed.
/// </summary>
public sealed class MixtureOfExperts : IFeedForward
{
    private readonly ExpertRouter _router;
    private readonly FeedForward[] _experts;
    private readonly int _chosen;
    private readonly double? _limit;
    private ExpertMatrix? _gateUp, _down; // [2·inner,D] and [D,inner] of each; null on the CPU

    /// <summary>
    /// Creates the router <c>gate</c> [experts, width], <c>experts.0</c>, <c>experts.1</c>, … and, if there are any,
    /// <c>shared_experts</c>.
    /// </summary>
    /// <param name="scope">Where the parameters go.</param>
    /// <param name="width">Model width D.</param>
    /// <param name="options">Validated options.</param>
    /// <param name="standardDeviation">Standard deviation of the starting weights.</param>
    /// <param name="residualDeviation">Standard deviation of the starting weights of the projections into the residual
    /// stream.</param>
    public MixtureOfExperts(ParameterScope scope, long width, ExpertOptions options, double standardDeviation,
        double residualDeviation)
    {
        FeedForward Layer(ParameterScope own, long inner, bool bias, double? limit) =>
            new(own, width, inner, standardDeviation, residualDeviation, bias, limit: limit);
        (_chosen, _limit) = (options.PerToken, options.SwiGluLimit);
        _router = new ExpertRouter(scope["gate"], width, options, standardDeviation);
        _experts = [.. Enumerable.Range(0, options.Count).Select(i => Layer(scope["experts"][$"{i}"], options.InnerSize,
            options.Bias, _limit))];
        if (options.Shared > 0)
            Shared = Layer(scope["shared_experts"], options.SharedInnerSize, bias: false, limit: null);
    }

    /// <summary>The router [experts, width].</summary>
    public Linear Router => _router.Linear;

    /// <summary>What is added to the weights of experts while they are chosen, [experts]; null for nothing.</summary>
    public Parameter? ChoiceBias => _router.ChoiceBias;

    /// <summary>The experts.</summary>
    public IReadOnlyList<FeedForward> Experts => _experts;

    /// <summary>The layer that every token goes through besides; null for none.</summary>
    public FeedForward? Shared { get; }

    /// <inheritdoc/>
    public void Fold()
    {
        DisposePacked();
        Shared?.Fold();
        if (Router.Weight.Device.type != DeviceType.CUDA) return; // weights that are mapped from a file stay so
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        _gateUp = new ExpertMatrix([.. _experts.Select(e => new[] { e.Gate, e.Up })]);
        for (var i = 0; i < _experts.Length; i++) _experts[i].Fold(_gateUp.Of(i, _experts[i].Gate, _experts[i].Up));
        _down = new ExpertMatrix([.. _experts.Select(e => new[] { e.Down })]);
        for (var i = 0; i < _experts.Length; i++) _down.Divide(i, _experts[i].Down);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var expert in _experts) expert.Dispose();
        Shared?.Dispose();
        DisposePacked();
    }

    private void DisposePacked()
    {
        _gateUp?.Dispose();
        _down?.Dispose();
        (_gateUp, _down) = (null, null);
    }

    /// <inheritdoc/>
    public Tensor Forward(Tensor x)
    {
        var rows = x.reshape(-1, x.shape[^1]);                                                // [T,D]
        var sum = (ByDevice(rows) ?? ByHost(rows)).view(x.shape);
        return Shared is null ? sum : sum + Shared.Forward(x);
    }

    // A few tokens: only the experts chosen are read, each once, and the host need not know which. Null where there are
    // no kernels for it.
    private Tensor? ByDevice(Tensor rows)
    {
        if (_gateUp is not { } gateUp || _down is not { } down || !gateUp.Supports(rows)
            || _router.ChoiceOf(rows) is not { } choice) return null;
        if (_limit is null && gateUp.Plain is { } first && down.Plain is { } second && ExpertStep.Supports(choice))
            return ExpertStep.Apply(rows, first, second, choice);                             // [T,D]
        var routes = ExpertRoutes.Of(choice);
        var gate = _limit is { } limit ? ProductGate.Clamped(limit) : ProductGate.Silu;
        var inner = gateUp.Apply(rows, routes, _chosen, gate);                                // [T·k,inner]
        return routes.Sum(down.Apply(inner, routes, 1, ProductGate.None));
    }

    private Tensor ByHost(Tensor rows)
    {
        var (weights, chosen) = _router.Route(rows);                                          // [T,k]

        // Every token stands in line once for each of its experts; sorted by expert, each expert serves one stretch.
        var order = chosen.reshape(-1).argsort(0, descending: false);                         // [T·k] places
        var waiting = rows.index_select(0, order.div(_chosen, RoundingMode.floor));           // [T·k,D]
        var served = new List<Tensor>();
        var start = 0L;
        foreach (var (expert, count) in _experts.Zip(Counts(chosen)))
        {
            if (count > 0) served.Add(expert.Forward(waiting.narrow(0, start, count).unsqueeze(0)).squeeze(0));
            start += count;
        }
        var outputs = cat(served).index_select(0, order.argsort(0, descending: false));       // [T·k,D], by token again
        return (outputs.view(rows.shape[0], _chosen, -1) * weights.unsqueeze(-1)).sum(1);
    }

    // How many tokens chose each expert.
    private long[] Counts(Tensor chosen)
    {
        using var scope = NewDisposeScope();
        return chosen.reshape(-1).bincount(null, _experts.Length).cpu().data<long>().ToArray();
    }
}
