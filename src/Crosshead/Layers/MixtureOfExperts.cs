using Crosshead.Kernels.Experts;
using Crosshead.Kernels.Products;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>
/// A sparse feed-forward layer, as in Qwen 3 MoE. A router gives each token the k experts with the highest scores. The
/// output is the sum of their outputs, weighted by the router's probabilities. Experts without tokens are not computed.
/// </summary>
public sealed class MixtureOfExperts : IFeedForward
{
    private readonly FeedForward[] _experts;
    private readonly int _chosen;
    private readonly bool _renormalize;
    private Tensor? _gateUp, _down; // all experts', [E,2·inner,D] and [E,D,inner]

    /// <summary>Creates the router <c>gate</c> [experts, width] and <c>experts.0</c>, <c>experts.1</c>, …</summary>
    /// <param name="scope">Where the parameters go.</param>
    /// <param name="width">Model width D.</param>
    /// <param name="options">Validated options.</param>
    /// <param name="standardDeviation">Standard deviation of the starting weights.</param>
    /// <param name="residualDeviation">Standard deviation of the starting weights of the projections into the residual
    /// stream.</param>
    public MixtureOfExperts(ParameterScope scope, long width, ExpertOptions options, double standardDeviation,
        double residualDeviation)
    {
        (_chosen, _renormalize) = (options.PerToken, options.Renormalize);
        Router = new Linear(scope["gate"], width, options.Count, standardDeviation);
        Router.Weight.ComputesInMaster = true; // as Route does
        _experts = [.. Enumerable.Range(0, options.Count).Select(i => new FeedForward(scope["experts"][$"{i}"], width,
            options.InnerSize, standardDeviation, residualDeviation))];
    }

    /// <summary>The router [experts, width].</summary>
    public Linear Router { get; }

    /// <summary>The experts.</summary>
    public IReadOnlyList<FeedForward> Experts => _experts;

    /// <inheritdoc/>
    public void Fold()
    {
        DisposePacked();
        if (Router.Weight.Device.type != DeviceType.CUDA) return; // weights that are mapped from a file stay so
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        _gateUp = stack(_experts.SelectMany(e => new[] { e.Gate.Weight.Value, e.Up.Weight.Value }))
            .view(_experts.Length, -1, Router.Weight.Value.shape[1]).DetachFromDisposeScope();
        for (var i = 0; i < _experts.Length; i++) _experts[i].Fold(_gateUp[i]);
        _down = stack(_experts.Select(e => e.Down.Weight.Value)).DetachFromDisposeScope();
        for (var i = 0; i < _experts.Length; i++) _experts[i].Down.Weight.ReplaceWithView(_down[i]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var expert in _experts) expert.Dispose();
        DisposePacked();
    }

    private void DisposePacked()
    {
        foreach (var tensor in new[] { _gateUp, _down }) tensor?.Dispose();
        (_gateUp, _down) = (null, null);
    }

    /// <inheritdoc/>
    public Tensor Forward(Tensor x)
    {
        var rows = x.reshape(-1, x.shape[^1]);                                                // [T,D]
        if (_gateUp is { } gateUp && _down is { } down && ExpertRoutes.Supports(rows.shape[0], _experts.Length, _chosen)
            && SkinnyMatMul.SupportsTypes(rows, gateUp, null)
            && SkinnyMatMul.SupportsTypes(rows, Router.Weight.Value, null) && gateUp.shape[1] % 16 == 0)
        {
            // A few tokens: only the experts chosen are read, each once, and the host need not know which.
            var routes = ExpertRoutes.Of(SkinnyMatMul.ApplyWide(rows, Router.Weight.Value), _chosen, _renormalize);
            var inner = SkinnyMatMul.ApplyExperts(rows, gateUp, routes, _chosen, gated: true);     // [T·k,inner]
            return routes.Sum(SkinnyMatMul.ApplyExperts(inner, down, routes, 1, gated: false)).view(x.shape);
        }
        var (weights, chosen) = Route(rows);                                                  // [T,k]

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
        return (outputs.view(rows.shape[0], _chosen, -1) * weights.unsqueeze(-1)).sum(1).view(x.shape);
    }

    // The k likeliest experts of each token and their probabilities; the router computes in at least float32.
    private (Tensor Weights, Tensor Chosen) Route(Tensor rows)
    {
        var type = rows.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        var (weights, chosen) = Router.Forward(rows.to(type)).softmax(-1).topk(_chosen, dim: -1);
        if (_renormalize) weights = weights / weights.sum(-1, keepdim: true);
        return (weights.to(rows.dtype), chosen);
    }

    // How many tokens chose each expert.
    private long[] Counts(Tensor chosen)
    {
        using var scope = NewDisposeScope();
        return chosen.reshape(-1).bincount(null, _experts.Length).cpu().data<long>().ToArray();
    }
}
