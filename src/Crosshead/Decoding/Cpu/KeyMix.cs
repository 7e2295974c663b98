using Crosshead.Attention.Composition;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Composes key heads from components. The mix has one complex number per component, head and rotary frequency. The mix
/// commutes with the rotation. If a mix has one real number for all frequencies, the number is repeated. What is not
/// rotated may take matrices instead.
/// </summary>
internal sealed unsafe class KeyMix : IDisposable
{
    private readonly int _components, _half;
    private readonly Rows _real, _imaginary, _conjugate; // [c · g, d/2], row j · g + G
    private readonly KeyRestMix? _rest;

    /// <summary>Reads the mix of a composition.</summary>
    /// <param name="mix">The composition.</param>
    /// <param name="layout">The heads.</param>
    public KeyMix(IKeyComposition mix, HeadLayout layout)
    {
        (_components, _half, Groups) = (layout.KeyWidth / layout.HeadDim, layout.HeadDim / 2, layout.Groups);
        Rows Mix() => new(_components * Groups, _half);
        (_real, _imaginary, _conjugate) = (Mix(), Mix(), Mix());
        switch (mix)
        {
            case HeadComposition heads:
                TakeHeads(WeightReader.Values(heads.Mix));
                break;
            case FrequencyComposition frequencies:
                if (frequencies.Mix is { } turned) TakeFrequencies(WeightReader.Values(turned));
                if (frequencies.RestMix is { } rest)
                    _rest = new KeyRestMix(WeightReader.Values(rest), layout, (int)rest.Shape[2]);
                break;
            default:
                throw new CrossheadException($"the CPU decoder does not know {mix.GetType().Name}; decode with the "
                    + "model itself (TensorDecoder).");
        }
    }

    /// <summary>Composed heads g.</summary>
    public int Groups { get; }

    /// <summary>
    /// Moves the mix from a key head to the query: q̃_j = conj(mix[j, G]) · q, so that ⟨q̃, components⟩ = ⟨q, head G⟩.
    /// </summary>
    /// <param name="query">[d]</param>
    /// <param name="group">The key head G.</param>
    /// <param name="target">[c·d]</param>
    public void Absorb(float* query, int group, float* target)
    {
        for (var j = 0; j < _components; j++)
        {
            var row = (j * Groups) + group;
            RowMath.MultiplyComplex(query, _real[row], _conjugate[row], _half, 1, target + (j * 2 * _half));
        }
        _rest?.Absorb(query, group, target);
    }

    /// <summary>Composes a key head: head = Σ_j mix[j, G] · component j.</summary>
    /// <param name="components">[c·d]</param>
    /// <param name="group">The key head G.</param>
    /// <param name="head">[d]</param>
    /// <param name="term">[d], memory for a term of the sum.</param>
    public void Compose(float* components, int group, float* head, float* term)
    {
        new Span<float>(head, 2 * _half).Clear();
        for (var j = 0; j < _components; j++)
        {
            var row = (j * Groups) + group;
            RowMath.MultiplyComplex(components + (j * 2 * _half), _real[row], _imaginary[row], _half, 1, term);
            RowMath.AddScaled(term, 1, head, 2 * _half);
        }
        _rest?.Compose(components, group, head);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _real.Dispose();
        _imaginary.Dispose();
        _conjugate.Dispose();
        _rest?.Dispose();
    }
    // [c, g], the same for all pairs.
    private void TakeHeads(float[] factors)
    {
        for (var row = 0; row < factors.Length; row++) new Span<float>(_real[row], _half).Fill(factors[row]);
    }

    // [c, g, r/2, 2]; the pairs of the rest have none.
    private void TakeFrequencies(float[] factors)
    {
        var turned = factors.Length / 2 / (_components * Groups);
        for (var i = 0; i < factors.Length / 2; i++)
        {
            var (row, pair) = (i / turned, i % turned);
            _real[row][pair] = factors[2 * i];
            _imaginary[row][pair] = factors[(2 * i) + 1];
            _conjugate[row][pair] = -factors[(2 * i) + 1];
        }
    }
}
