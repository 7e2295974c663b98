using Crosshead.Kernels.Experts;
using Crosshead.Kernels.Products;
using Crosshead.Kernels.WeightProducts;
using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>
/// A matrix of every expert of a layer on a CUDA device, one below the other, and their biases. Weights that can stay
/// quantised do, if those of all experts are alike.
/// </summary>
internal sealed class ExpertMatrix : IDisposable
{
    private readonly int _experts;
    private readonly Tensor? _dense;        // [E, O, D]; null where they are packed
    private readonly PackedMatrix? _packed; // [E·O, D]
    private readonly Tensor? _bias;         // [E, O]; null for none

    /// <summary>Brings the weights of layers together. The layers' own become parts of it.</summary>
    /// <param name="experts">The layers of each expert whose outputs are one matrix'.</param>
    public ExpertMatrix(IReadOnlyList<Linear[]> experts)
    {
        _experts = experts.Count;
        Linear[] all = [.. experts.SelectMany(layers => layers)];
        Parameter[] weights = [.. all.Select(layer => layer.Weight)];
        if (all[0].Bias is not null)
            _bias = cat([.. all.Select(layer => layer.Bias!.Value)]).view(_experts, -1).DetachFromDisposeScope();
        if (weights.All(w => w.CanPack) && PackedMatrix.AreAlike([.. weights.Select(w => w.Stored!)]))
            _packed = Parameter.PackTogether(weights);
        else _dense = cat([.. weights.Select(w => w.Value)]).view(_experts, -1, weights[0].Shape[1])
            .DetachFromDisposeScope();
    }

    /// <summary>All matrices [E, O, D], where they are tensors without biases; null for others.</summary>
    public Tensor? Plain => _bias is null ? _dense : null;

    /// <summary>Whether products of a few tokens are computed here.</summary>
    /// <param name="x">[T, D]</param>
    public bool Supports(Tensor x) => _dense is { } dense
        ? dense.shape[1] % 16 == 0 && SkinnyMatMul.SupportsTypes(x, dense, null) : _packed!.Supports(x);

    /// <summary>Each token's products with the matrices of its experts.</summary>
    /// <param name="x">[T, D]</param>
    /// <param name="routes">Which tokens each expert serves.</param>
    /// <param name="shared">Places that share a row of <paramref name="x"/>: place p reads row p div shared.</param>
    /// <param name="gate">The gate, if half of a matrix' rows are one.</param>
    /// <returns>[places, outputs]</returns>
    public Tensor Apply(Tensor x, ExpertRoutes routes, int shared, ProductGate gate) => _dense is { } dense
        ? SkinnyMatMul.ApplyExperts(x, dense, _bias, routes, shared, gate)
        : _packed!.ApplyExperts(x, _bias, _experts, routes, shared, gate);

    /// <summary>One expert's, of which its layers have their parts.</summary>
    /// <param name="expert">Its number.</param>
    /// <param name="layers">Its layers.</param>
    public JointLinear Of(int expert, params ReadOnlySpan<Linear> layers)
    {
        var bias = _bias?[expert];
        if (_dense is { } dense) return JointLinear.Over(dense[expert], bias, layers);
        var rows = _packed!.Rows / _experts;
        return JointLinear.Over(_packed.Some(expert * rows, rows), bias, layers);
    }

    /// <summary>Makes a layer's weight a part of it, where that is the whole matrix of an expert.</summary>
    /// <param name="expert">The expert.</param>
    /// <param name="layer">Its layer.</param>
    public void Divide(int expert, Linear layer)
    {
        if (_dense is { } dense) layer.Weight.ReplaceWithView(dense[expert]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _dense?.Dispose();
        _packed?.Dispose();
        _bias?.Dispose();
    }
}
