using Crosshead.Attention.Composition;

namespace Crosshead.Decoding.Cpu;

/// <summary>Computes a head's output from sums of cached values.</summary>
internal abstract unsafe class ValueExpansion : IDisposable
{
    /// <summary>The matrices that each token multiplies.</summary>
    public virtual IEnumerable<StackedMatrix> Matrices => [];

    /// <summary>Creates the expansion of a mix.</summary>
    /// <param name="mix">The composition.</param>
    /// <param name="layout">The heads.</param>
    /// <param name="reader">Makes matrices.</param>
    public static ValueExpansion Create(IValueComposition mix, HeadLayout layout, WeightReader reader)
    {
        var values = WeightReader.Values(mix.Mix);                                              // [c, g] or [r, g, d]
        return mix is HeadComposition ? new Scalars(values, layout) : new Dense(values, layout, reader);
    }

    /// <summary>Computes the output of a head.</summary>
    /// <param name="sums">Sums of components, filled up with zeros to a multiple of 16.</param>
    /// <param name="group">The value head G.</param>
    /// <param name="output">[d], filled up to a multiple of 16.</param>
    public abstract void Expand(float* sums, int group, float* output);

    /// <inheritdoc/>
    public abstract void Dispose();

    // o = Σ_c mix[c, G] · sums[c]
    private sealed class Scalars(float[] mix, HeadLayout layout) : ValueExpansion
    {
        private readonly int _groups = layout.Groups, _headDim = layout.HeadDim;

        public override void Expand(float* sums, int group, float* output)
        {
            new Span<float>(output, Panel.Round(_headDim)).Clear();
            for (var i = group; i < mix.Length; i += _groups, sums += _headDim)
                RowMath.AddScaled(sums, mix[i], output, _headDim);
        }

        public override void Dispose()
        {
        }
    }

    // o = Σ_r sums[r] · mix[r, G, :]
    private sealed class Dense(float[] mix, HeadLayout layout, WeightReader reader) : ValueExpansion
    {
        private readonly StackedMatrix[] _heads = [
            .. Enumerable.Range(0, layout.Groups).Select(
                g => new StackedMatrix([reader.Copy(Transposed(mix, g, layout), layout.ValueWidth)]))];

        public override IEnumerable<StackedMatrix> Matrices => _heads;

        public override void Expand(float* sums, int group, float* output)
        {
            new Span<float>(output, Panel.Round(layout.HeadDim)).Clear();
            _heads[group].Multiply(0, _heads[group].Groups, sums, 0, 1, output, 0);
        }

        public override void Dispose()
        {
            foreach (var matrix in _heads) matrix.Dispose();
        }

        // [d, r] of one head
        private static float[] Transposed(float[] mix, int group, HeadLayout layout)
        {
            var (rank, d) = (layout.ValueWidth, layout.HeadDim);
            var matrix = new float[d * rank];
            for (var r = 0; r < rank; r++)
                for (var i = 0; i < d; i++)
                    matrix[(i * rank) + r] = mix[(((r * layout.Groups) + group) * d) + i];
            return matrix;
        }
    }
}
