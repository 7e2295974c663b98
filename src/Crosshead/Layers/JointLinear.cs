using Crosshead.Kernels.Gating;
using Crosshead.Kernels.Products;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>
/// Linear layers of the same input whose weights lie side by side, so that one product replaces several. Made once, for
/// inference on a device. The layers' own parameters become parts of the joint weight.
/// </summary>
internal sealed class JointLinear : IDisposable
{
    private readonly Tensor[] _weights; // what each part was joined from, or has become
    private readonly Tensor _weight;    // [Σ width, D]
    private readonly Tensor? _bias;

    private JointLinear(Tensor weight, Tensor? bias, Tensor[] weights) =>
        (_weight, _bias, _weights) = (weight, bias, weights);

    /// <summary>
    /// Joins weights on a CUDA device. Null on other devices, where weights may stay mapped from a file.
    /// </summary>
    /// <param name="parts">The weights [width, D] and biases, either all with a bias or all without; and the layer of
    /// each weight, null for a weight without a layer.</param>
    public static JointLinear? Of(params (Tensor Weight, Tensor? Bias, Linear? Owner)[] parts)
    {
        if (parts[0].Weight.device_type != DeviceType.CUDA
            || parts.Any(p => p.Bias is null) != parts.All(p => p.Bias is null))
            return null;
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        var weight = cat([.. parts.Select(p => p.Weight)]);
        var bias = parts[0].Bias is null ? null : cat([.. parts.Select(p => p.Bias!)]);
        var weights = new Tensor[parts.Length];
        var start = 0L;
        for (var i = 0; i < parts.Length; i++)
        {
            var (old, _, owner) = parts[i];
            var width = old.shape[0];
            owner?.Weight.ReplaceWithView(weight.narrow(0, start, width));
            weights[i] = owner?.Weight.Value ?? old;
            start += width;
        }
        return new JointLinear(weight.DetachFromDisposeScope(), bias?.DetachFromDisposeScope(), weights);
    }

    /// <summary>Whether these are still the joined weights, and no gradients are requested.</summary>
    public bool Holds(Tensor x, params ReadOnlySpan<Tensor> weights)
    {
        if (x.dtype != _weight.dtype || x.requires_grad) return false;
        for (var i = 0; i < weights.Length; i++)
            if (!ReferenceEquals(weights[i], _weights[i])) return false;
        return true;
    }

    /// <summary>[…, D] → […, Σ width]</summary>
    public Tensor Forward(Tensor x) => SkinnyMatMul.Supports(x, _weight, _bias) ? SkinnyMatMul.Apply(x, _weight, _bias)
        : MatrixProduct.Linear(x, _weight, _bias);

    /// <summary>silu(first)·second of two layers of the same width: […, D] → […, width]</summary>
    public Tensor Gated(Tensor x)
    {
        if (SkinnyMatMul.Supports(x, _weight, _bias)) return SkinnyMatMul.ApplyGated(x, _weight, _bias);
        var both = MatrixProduct.Linear(x, _weight, _bias);
        if (FusedSwiGlu.Supports(both)) return FusedSwiGlu.Apply(both);
        var halves = both.chunk(2, -1);
        return nn.functional.silu(halves[0]) * halves[1];
    }

    /// <summary>Joins layers whose weights already lie side by side.</summary>
    /// <param name="weight">All weights, [Σ width, D]; this object takes ownership.</param>
    /// <param name="owners">The layers, without biases; their parameters become parts of
    /// <paramref name="weight"/>.</param>
    public static JointLinear Over(Tensor weight, params ReadOnlySpan<Linear> owners)
    {
        var start = 0L;
        var weights = new Tensor[owners.Length];
        for (var i = 0; i < owners.Length; i++)
        {
            var width = owners[i].Weight.Value.shape[0];
            owners[i].Weight.ReplaceWithView(weight.narrow(0, start, width));
            weights[i] = owners[i].Weight.Value;
            start += width;
        }
        return new JointLinear(weight.DetachFromDisposeScope(), null, weights);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _weight.Dispose();
        _bias?.Dispose();
    }
}
