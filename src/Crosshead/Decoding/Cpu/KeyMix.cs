using Crosshead.Attention.Composition;
using static TorchSharp.torch;

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
        var moved = mix.QueryMix(ScalarType.Float32);
        if (moved.Rest is { } rest) _rest = new KeyRestMix(rest, layout);
        var parts = ParameterReader.Values(moved.Pairs.permute(2, 1, 0, 3));                    // [2, c, g, d/2]
        var (real, imaginary) = (parts[..(parts.Length / 2)], parts[(parts.Length / 2)..]);
        _real = new Rows(real, _half);
        _imaginary = new Rows(imaginary, _half);
        _conjugate = new Rows([.. imaginary.Select(i => -i)], _half);
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
}
