namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Composes the rest of key heads, which is not rotated, from the rest of components by matrices. The rest of a head is
/// its last pairs, two runs of numbers (<see cref="Attention.Composition.RotatedPart"/>).
/// </summary>
internal sealed unsafe class KeyRestMix : IDisposable
{
    private readonly int _components, _headDim, _run;
    private readonly Rows _toComponents; // [g · u, c · u], row G · u + number of the query
    private readonly Rows _toHead;       // [g · c · u, u], row G · c · u + number of the components

    /// <summary>Reads a mix.</summary>
    /// <param name="mix">[c · u, g, u]</param>
    /// <param name="layout">The heads.</param>
    /// <param name="rest">Width u of the rest.</param>
    public KeyRestMix(float[] mix, HeadLayout layout, int rest)
    {
        var (groups, all) = (layout.Groups, mix.Length / layout.Groups / rest);
        (_components, _headDim, _run) = (all / rest, layout.HeadDim, rest / 2);
        (_toComponents, _toHead) = (new Rows(groups * rest, all), new Rows(groups * all, rest));
        for (var i = 0; i < mix.Length; i++)
        {
            var (from, group, to) = (i / (groups * rest), i / rest % groups, i % rest);
            _toComponents[(group * rest) + to][from] = mix[i];
            _toHead[(group * all) + from][to] = mix[i];
        }
    }

    private int Rest => 2 * _run;

    /// <summary>Writes the rest of the query for all components: rest of q · M_G.</summary>
    /// <param name="query">[d]</param>
    /// <param name="group">The key head G.</param>
    /// <param name="target">[c · d]; the rest of each component is written.</param>
    public void Absorb(float* query, int group, float* target)
    {
        var sums = stackalloc float[_components * Rest];
        new Span<float>(sums, _components * Rest).Clear();
        for (var i = 0; i < Rest; i++)
            RowMath.AddScaled(_toComponents[(group * Rest) + i], query[Place(i)], sums, _components * Rest);
        for (var j = 0; j < _components; j++) Write(sums + (j * Rest), target + (j * _headDim));
    }

    /// <summary>Writes the rest of a key head: the rest of all components · M_Gᵀ.</summary>
    /// <param name="components">[c · d]</param>
    /// <param name="group">The key head G.</param>
    /// <param name="head">[d]; its rest is written.</param>
    public void Compose(float* components, int group, float* head)
    {
        var sums = stackalloc float[Rest];
        new Span<float>(sums, Rest).Clear();
        for (var j = 0; j < _components; j++)
            for (var i = 0; i < Rest; i++)
                RowMath.AddScaled(_toHead[(((group * _components) + j) * Rest) + i],
                    components[(j * _headDim) + Place(i)], sums, Rest);
        Write(sums, head);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _toComponents.Dispose();
        _toHead.Dispose();
    }

    // Where number i of the rest stands in a head.
    private int Place(int i) => i < _run ? (_headDim / 2) - _run + i : _headDim - Rest + i;

    private void Write(float* rest, float* head)
    {
        for (var i = 0; i < Rest; i++) head[Place(i)] = rest[i];
    }
}
