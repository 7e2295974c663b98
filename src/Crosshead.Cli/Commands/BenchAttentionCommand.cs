using Crosshead.Attention;
using Crosshead.Cli.Benchmarking;
using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary>
/// <c>crosshead bench attention</c>: times one attention layer, forward alone and forward with backward.
/// </summary>
internal sealed class BenchAttentionCommand() : BenchCommand("attention",
    "Time one attention layer: forward, and forward with backward.", wholeModel: false, batch: 8, decodes: false,
    "crosshead bench attention --variants gqa,groupnorm,mea,mea-no-norm,talking-heads,differential",
    "crosshead bench attention --context 2048 --batch 1 --dtype bfloat16 --json")
{
    /// <inheritdoc/>
    protected override IEnumerable<BenchCase> Time(ModelOptions shape, BenchRun run)
    {
        using var scope = NewDisposeScope();
        var parameters = new ParameterScope(run.Type, run.Device);
        using var attention = AttentionFactory.Create(parameters, shape.HiddenSize, shape.Attention, 0);
        using var rotary = new RotaryEmbedding(shape.HeadDim, shape.Context, shape.RopeBase,
            Precision.MasterOf(run.Type), run.Device);
        foreach (var parameter in parameters.Parameters)
            nn.init.normal_(parameter.Value, 0, 0.02);
        var (cos, sin) = rotary.Rows(0, shape.Context);
        var span = new TokenView(cos, sin, null, Causal: true);
        var x = randn([run.Batch, shape.Context, shape.HiddenSize], run.Type, run.Device, requires_grad: true);
        var gradient = ones_like(x);

        var forward = run.Time(() =>
        {
            using var step = NewDisposeScope();
            using var grad = no_grad();
            attention.Forward(x, span);
        });
        var both = run.Time(() =>
        {
            using var step = NewDisposeScope();
            attention.Forward(x, span).backward([gradient]);
            foreach (var parameter in parameters.Parameters)
                parameter.Value.grad = null;
            x.grad = null;
        });

        var name = shape.Attention.Variant.NameOf();
        double tokens = (double)run.Batch * shape.Context, flops = tokens * FlopsPerToken(shape);
        double bytes = parameters.Parameters.Sum(p => p.Value.numel()) * Precision.BytesOf(run.Type);
        foreach (var parameter in parameters.Parameters)
            parameter.Dispose();
        return [new BenchCase($"{name} forward", forward, tokens, flops, bytes, bytes),
            new BenchCase($"{name} forward + backward", both, tokens, 3 * flops, 3 * bytes, bytes)];
    }

    // The cost that one more layer adds to a model, without the layer's feed-forward.
    private static long FlopsPerToken(ModelOptions shape) =>
        ModelCost.Of(shape with { Layers = 2 }).ForwardFlops - ModelCost.Of(shape with { Layers = 1 }).ForwardFlops
        - (6L * shape.HiddenSize * shape.FeedForward);
}
