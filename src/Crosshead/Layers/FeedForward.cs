using Crosshead.Kernels.Common;
using Crosshead.Kernels.Gating;
using Crosshead.Kernels.WeightProducts;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>
/// A gated layer: down(act(gate(x)) · up(x)) (Shazeer, 2020); SwiGLU in Llama, GeGLU in Gemma. gpt-oss has
/// <see cref="ClampedSwiGlu"/> in its place.
/// </summary>
public sealed class FeedForward : IFeedForward
{
    private readonly Activation _activation;
    private readonly double? _limit;
    private JointLinear? _joint; // gate and up

    /// <summary>Creates <c>gate_proj</c>, <c>up_proj</c> [inner, width] and <c>down_proj</c> [width, inner].</summary>
    /// <param name="scope">Where the parameters go.</param>
    /// <param name="width">Model width D.</param>
    /// <param name="inner">Inner width.</param>
    /// <param name="standardDeviation">Standard deviation of the starting weights.</param>
    /// <param name="residualDeviation">Standard deviation of the starting weights of the projection into the residual
    /// stream.</param>
    /// <param name="bias">Whether the three projections have biases.</param>
    /// <param name="activation">The function of the gate.</param>
    /// <param name="limit">Where gates and values are cut off, as in gpt-oss, which has an activation of its own; null
    /// for none. See <see cref="ExpertOptions.SwiGluLimit"/>.</param>
    public FeedForward(ParameterScope scope, long width, long inner, double standardDeviation, double residualDeviation,
        bool bias = false, Activation activation = Activation.Silu, double? limit = null)
    {
        (_activation, _limit) = (activation, limit);
        Gate = new Linear(scope["gate_proj"], width, inner, standardDeviation, bias: bias);
        Up = new Linear(scope["up_proj"], width, inner, standardDeviation, bias: bias);
        Down = new Linear(scope["down_proj"], inner, width, residualDeviation, bias: bias);
    }

    /// <summary>The gate projection [inner, width].</summary>
    public Linear Gate { get; }

    /// <summary>The up projection [inner, width].</summary>
    public Linear Up { get; }

    /// <summary>The down projection [width, inner].</summary>
    public Linear Down { get; }

    /// <inheritdoc/>
    public void Fold()
    {
        _joint?.Dispose();
        _joint = null;
        if (Gate.Weight.Device.type != DeviceType.CUDA) return; // weights that lie in a file stay there
        _joint = JointLinear.Of((Gate, null, null), (Up, null, null));
        Down.Weight.Pack();
    }

    /// <summary>
    /// Like <see cref="Fold()"/>, for a gate and an up projection that already lie side by side.
    /// </summary>
    /// <param name="gateUp">Both; this object takes ownership.</param>
    internal void Fold(JointLinear gateUp)
    {
        _joint?.Dispose();
        _joint = gateUp;
    }

    /// <summary>x + forward(norm(x)) with packed weights and a few tokens; null for others.</summary>
    /// <param name="x">[B, N, D]</param>
    /// <param name="norm">The norm.</param>
    internal Tensor? Step(Tensor x, InputNorm norm) =>
        _limit is null && _joint is { } joint && joint.CanNorm(x) ? Down.ForwardSum(joint.Gated(x, norm), x) : null;

    /// <summary>What lies between the projections.</summary>
    /// <param name="gate">The gate projection.</param>
    /// <param name="up">The up projection, of the same shape.</param>
    internal Tensor Gated(Tensor gate, Tensor up) =>
        _limit is { } most ? ClampedSwiGlu.Apply(gate, up, most) : _activation.Of(gate) * up;

    /// <inheritdoc/>
    public void Dispose() => _joint?.Dispose();

    /// <inheritdoc/>
    public Tensor Forward(Tensor x)
    {
        if (_joint is { } joint && joint.Holds(x))
        {
            if (_limit is null) return Down.Forward(joint.Gated(x, _activation));
            var halves = joint.Forward(x).chunk(2, -1);
            return Down.Forward(Gated(halves[0], halves[1]));
        }
        if (_limit is not null || !RowKernel.IsWorthJoining(x) || _activation != Activation.Silu)
            return Down.Forward(Gated(Gate.Forward(x), Up.Forward(x)));
        var gateUp = Linear.Joint(x, Gate, Up);
        return FusedSwiGlu.Supports(gateUp) && Down.Weight.Packed is null
            ? GatedLinear.Apply(gateUp, Down.Weight.In(x.dtype), Down.Bias?.In(x.dtype))
            : Down.Forward(FusedSwiGlu.Apply(gateUp));
    }
}
