using Crosshead.Kernels.Experts;
using Crosshead.Kernels.Products;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>
/// Chooses the experts of each token, and the weights of their outputs. It computes in at least float32, because the
/// order of experts must not depend on rounding.
/// </summary>
internal sealed class ExpertRouter
{
    private const double Tiny = 1e-20; // so that weights that are all 0 stay so

    private readonly RoutingRule _rule;
    private readonly int _experts;

    /// <summary>
    /// Creates <c>weight</c> [experts, width] and, where the options ask for them, <c>bias</c> and
    /// <c>e_score_correction_bias</c> [experts].
    /// </summary>
    public ExpertRouter(ParameterScope scope, long width, ExpertOptions options, double standardDeviation)
    {
        _experts = options.Count;
        _rule = new RoutingRule(options.PerToken, options.Scoring == ExpertScoring.Sigmoid, options.Renormalize,
            options.WeightFactor, options.Groups, options.GroupsPerToken);
        Linear = new Linear(scope, width, options.Count, standardDeviation, bias: options.RouterBias);
        Linear.Weight.ComputesInMaster = true; // as Route does
        if (options.ChoiceBias)
            ChoiceBias = scope.Create("e_score_correction_bias", ParameterKind.Bias, Initialization.Constant(0),
                options.Count);
    }

    /// <summary>From tokens to the logits of experts.</summary>
    public Linear Linear { get; }

    /// <summary>What is added to the weights of experts while they are chosen, [experts]; null for nothing.</summary>
    public Parameter? ChoiceBias { get; }

    /// <summary>The experts of each token and the weights of their outputs.</summary>
    /// <param name="rows">[T, D]</param>
    /// <returns>[T, k] both; the weights in the precision of <paramref name="rows"/>.</returns>
    public (Tensor Weights, Tensor Chosen) Route(Tensor rows)
    {
        var type = rows.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        var logits = Linear.Forward(rows.to(type));                                           // [T,E]
        var scores = _rule.Sigmoid ? logits.sigmoid() : logits.softmax(-1);
        var rated = ChoiceBias is null ? scores.detach() : (scores + ChoiceBias.In(type)).detach();
        if (_rule.Groups > 1) rated = WithinBestGroups(rated);
        var chosen = rated.topk(_rule.PerToken, dim: -1).indexes;                             // [T,k]
        var weights = scores.gather(1, chosen);
        // named, so that they are not collected while native code reads them
        using Scalar tiny = Tiny, factor = _rule.Factor;
        if (_rule.Renormalize) weights = weights / weights.sum(-1, keepdim: true).add(tiny);
        if (_rule.Factor != 1) weights = weights.mul(factor);
        return (weights.to(rows.dtype), chosen);
    }

    /// <summary>
    /// The same for a few tokens on a CUDA device, without the host; null where there is no kernel for it.
    /// </summary>
    /// <param name="rows">[T, D]</param>
    public ExpertChoice? ChoiceOf(Tensor rows) =>
        ExpertRoutes.Supports(rows.shape[0], _experts, _rule)
            && SkinnyMatMul.SupportsTypes(rows, Linear.Weight.Value, null)
            ? new ExpertChoice(SkinnyMatMul.ApplyWide(rows, Linear.Weight.Value), _rule,
                Linear.Bias?.In(ScalarType.Float32), ChoiceBias?.In(ScalarType.Float32))
            : null;

    // Experts of other groups than the best get −∞.
    private Tensor WithinBestGroups(Tensor rated)
    {
        var groups = rated.view(rated.shape[0], _rule.Groups, -1);                            // [T,G,E/G]
        var good = groups.topk(2, dim: -1).values.sum(-1);                                    // [T,G]
        var best = good.topk(_rule.GroupsPerToken, dim: -1).indexes;
        using Scalar never = double.NegativeInfinity; // named, as above
        var among = zeros_like(good).scatter_(1, best, ones_like(good)).to(ScalarType.Bool);
        return groups.masked_fill(among.logical_not().unsqueeze(-1), never).view(rated.shape);
    }
}
