using Crosshead.Kernels.Gating;
using Crosshead.Kernels.Products;
using Crosshead.Kernels.WeightProducts;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>
/// Linear layers of the same input whose weights lie side by side, so that one product replaces several. Made once, for
/// inference on a device. The layers' own parameters become parts of the joint weight. Weights that can stay quantised
/// do, if all of them can.
/// </summary>
internal sealed class JointLinear : IDisposable
{
    private readonly (Parameter Own, Tensor? Part)[] _owners; // layers' parameters, and the parts that they became
    private readonly Tensor _weight = null!;                  // [Σ width, D]; where there is no _packed
    private readonly PackedMatrix? _packed;                   // likewise
    private readonly ScalarType _type;
    private readonly Tensor? _bias;

    private JointLinear(Tensor weight, Tensor? bias, (Parameter, Tensor?)[] owners) =>
        (_weight, _bias, _owners, _type) = (weight, bias, owners, weight.dtype);

    private JointLinear(PackedMatrix packed, Tensor? bias, (Parameter, Tensor?)[] owners) =>
        (_packed, _bias, _owners, _type) = (packed, bias, owners, ScalarType.BFloat16);

    /// <summary>
    /// Joins weights on a CUDA device. Null on other devices, where weights may stay mapped from a file.
    /// </summary>
    /// <param name="parts">Layers, either all with a bias or all without; and what takes the place of a layer's weight
    /// [width, D] and bias, null for its own.</param>
    public static JointLinear? Of(params (Linear Layer, Tensor? Weight, Tensor? Bias)[] parts)
    {
        var type = parts[0].Layer.Weight.Type;
        Tensor? BiasOf((Linear Layer, Tensor? Weight, Tensor? Bias) part) =>
            part.Weight is null ? part.Layer.Bias?.In(type) : part.Bias;
        var biases = parts.Select(BiasOf).OfType<Tensor>().ToArray();
        if (parts[0].Layer.Weight.Device.type != DeviceType.CUDA
            || (biases.Length > 0 && biases.Length < parts.Length))
            return null;
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        var bias = biases.Length == 0 ? null : cat(biases).DetachFromDisposeScope();
        if (parts.All(p => p.Weight is null && p.Layer.Weight.CanPack))
        {
            Parameter[] own = [.. parts.Select(p => p.Layer.Weight)];
            return new JointLinear(Parameter.PackTogether(own), bias, [.. own.Select(p => (p, (Tensor?)null))]);
        }
        var weight = cat([.. parts.Select(p => p.Weight ?? p.Layer.Weight.Value)]).DetachFromDisposeScope();
        return new JointLinear(weight, bias, Divide(weight, parts.Select(p => (p.Weight is null ? p.Layer : null,
            p.Weight?.shape[0] ?? p.Layer.Weight.Shape[0]))));
    }

    /// <summary>Whether the layers still have the joined weights, and no gradients are requested.</summary>
    public bool Holds(Tensor x)
    {
        if (x.dtype != _type || x.requires_grad) return false;
        foreach (var (own, part) in _owners)
            if (part is null ? own.Packed is null : !own.Is(part)) return false;
        return true;
    }

    /// <summary>Whether <see cref="Forward(Tensor, InputNorm)"/> and <see cref="Gated(Tensor, InputNorm)"/> are for
    /// these activations.</summary>
    public bool CanNorm(Tensor x) => _packed is { } packed && Holds(x) && packed.CanNorm(x);

    /// <summary><see cref="Forward(Tensor)"/> of the norm of x, where <see cref="CanNorm"/>.</summary>
    public Tensor Forward(Tensor x, InputNorm norm) => _packed!.Apply(x, _bias, norm);

    /// <summary><see cref="Gated(Tensor, Activation)"/> of the norm of x, where <see cref="CanNorm"/>.</summary>
    public Tensor Gated(Tensor x, InputNorm norm) => _packed!.ApplyGated(x, _bias, norm);

    /// <summary>[…, D] → […, Σ width]</summary>
    public Tensor Forward(Tensor x) => _packed is { } packed ? packed.Apply(x, _bias)
        : SkinnyMatMul.Supports(x, _weight, _bias) ? SkinnyMatMul.Apply(x, _weight, _bias)
        : MatrixProduct.Linear(x, _weight, _bias);

    /// <summary>act(first)·second of two layers of the same width: […, D] → […, width]</summary>
    public Tensor Gated(Tensor x, Activation activation)
    {
        if (activation != Activation.Silu)
        {
            var parts = Forward(x).chunk(2, -1); // the kernels know SwiGLU alone
            return activation.Of(parts[0]) * parts[1];
        }
        if (_packed is { } packed) return packed.ApplyGated(x, _bias);
        if (SkinnyMatMul.Supports(x, _weight, _bias)) return SkinnyMatMul.ApplyGated(x, _weight, _bias);
        var both = MatrixProduct.Linear(x, _weight, _bias);
        if (FusedSwiGlu.Supports(both)) return FusedSwiGlu.Apply(both);
        var halves = both.chunk(2, -1);
        return nn.functional.silu(halves[0]) * halves[1];
    }

    /// <summary>Joins layers whose weights already lie side by side.</summary>
    /// <param name="weight">All weights, [Σ width, D]; this object takes ownership.</param>
    /// <param name="bias">All biases, [Σ width], likewise; null for none.</param>
    /// <param name="owners">The layers; their weights become parts of <paramref name="weight"/>.</param>
    public static JointLinear Over(Tensor weight, Tensor? bias, params ReadOnlySpan<Linear> owners)
    {
        var parts = new List<(Linear?, long)>();
        foreach (var owner in owners) parts.Add((owner, owner.Weight.Shape[0]));
        return new JointLinear(weight.DetachFromDisposeScope(), bias?.DetachFromDisposeScope(), Divide(weight, parts));
    }

    /// <summary>The same for weights that lie side by side in a larger one.</summary>
    /// <param name="weight">All weights, [Σ width, D].</param>
    /// <param name="bias">All biases, [Σ width]; this object takes ownership. Null for none.</param>
    /// <param name="owners">The layers, which have their parts of it.</param>
    public static JointLinear Over(PackedMatrix weight, Tensor? bias, params ReadOnlySpan<Linear> owners)
    {
        var parts = new List<(Parameter, Tensor?)>();
        foreach (var owner in owners) parts.Add((owner.Weight, null));
        return new JointLinear(weight, bias?.DetachFromDisposeScope(), [.. parts]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _weight?.Dispose();
        _packed?.Dispose();
        _bias?.Dispose();
    }

    // The layers' parameters become parts of the weight.
    private static (Parameter, Tensor?)[] Divide(Tensor weight, IEnumerable<(Linear? Layer, long Width)> parts)
    {
        var (owners, start) = (new List<(Parameter, Tensor?)>(), 0L);
        foreach (var (layer, width) in parts)
        {
            if (layer is not null)
            {
                layer.Weight.ReplaceWithView(weight.narrow(0, start, width));
                owners.Add((layer.Weight, layer.Weight.Value));
            }
            start += width;
        }
        return [.. owners];
    }
}
