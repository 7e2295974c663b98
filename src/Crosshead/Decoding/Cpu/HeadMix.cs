using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Attention;
using Crosshead.Attention.Composition;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// The mix of key or value heads of which the cache keeps fewer rows: head g = Σ_c mix[g, c] · cached row c. The cached
/// rows are c of the heads themselves (<see cref="KeptHeads"/>), so that only the others need them all; or the
/// components, if those are more than needed. That is cheaper than multiplying all components by every query head.
/// </summary>
internal sealed unsafe class HeadMix : IDisposable
{
    private readonly Rows _mix; // [g, c]
    private readonly Rows? _keep; // [c, c]: the factors of a kept head with the components

    /// <summary>Takes a mix.</summary>
    /// <param name="mix">The factors [c, g] of heads with components.</param>
    /// <param name="groups">Composed heads g.</param>
    public HeadMix(ReadOnlySpan<float> mix, int groups)
    {
        (Groups, Components) = (groups, mix.Length / groups);
        var factors = new double[mix.Length];
        for (var i = 0; i < mix.Length; i++) factors[i] = mix[i];
        var kept = KeptHeads.Choose(factors, Components, groups);
        Kept = kept ?? [];
        Mixed = [.. Enumerable.Range(0, groups).Except(Kept)];
        _mix = new Rows(Groups, Components);
        for (var i = 0; i < mix.Length; i++)
            _mix[i % Groups][i / Groups] = kept is null ? mix[i] : (float)factors[i];
        if (kept is null) return;
        _keep = new Rows(Components, Components);
        for (var i = 0; i < Components; i++)
            for (var c = 0; c < Components; c++) _keep[i][c] = mix[(c * groups) + kept[i]];
    }

    /// <summary>Composed heads g.</summary>
    public int Groups { get; }

    /// <summary>Components c, and rows in the cache.</summary>
    public int Components { get; }

    /// <summary>The head that each cached row is; empty if the rows are components.</summary>
    public int[] Kept { get; }

    /// <summary>The heads that are sums of cached rows.</summary>
    public int[] Mixed { get; }

    /// <summary>The factors [c] of a head with the cached rows.</summary>
    public float* this[int group] => _mix[group];

    /// <summary>
    /// The mix of a layer's heads; null if a head is not a sum of whole components, or if it is cheaper not to compose
    /// them. That is the same for every token, so that a sequence's sums do not depend on what is computed beside it.
    /// </summary>
    /// <param name="composition">How heads are composed; null for heads that are whole.</param>
    /// <param name="layout">The heads.</param>
    public static HeadMix? Of(object? composition, HeadLayout layout) =>
        composition is HeadComposition heads
            && CachedProducts.AreComposed(layout.Heads, layout.Groups, (int)heads.Components, layout.HeadDim)
            ? new(WeightReader.Values(heads.Mix), layout.Groups) : null;

    /// <summary>Turns the components of a token into the rows that are cached.</summary>
    /// <param name="components">[c·d]</param>
    /// <param name="headDim">Width d, a multiple of 16.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Keep(float* components, int headDim)
    {
        if (_keep is null) return;
        var rows = stackalloc Vector512<float>[Components];
        for (var i = 0; i < headDim; i += Panel.Lanes)
        {
            for (var c = 0; c < Components; c++) rows[c] = Vector512.Load(components + (c * headDim) + i);
            for (var kept = 0; kept < Components; kept++)
            {
                Vector512<float> sum = default;
                for (var c = 0; c < Components; c++)
                    sum = Vector512.FusedMultiplyAdd(rows[c], Vector512.Create(_keep[kept][c]), sum);
                sum.Store(components + (kept * headDim) + i);
            }
        }
    }

    /// <summary>
    /// Moves the mix from a key head to its query: c queries mix[g, c] · q for the cached rows, or q for a kept head.
    /// </summary>
    /// <param name="query">[d]</param>
    /// <param name="group">The key head.</param>
    /// <param name="headDim">Width d, a multiple of 16.</param>
    /// <param name="target">Receives the queries.</param>
    /// <returns>How many numbers they have.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Absorb(float* query, int group, int headDim, float* target)
    {
        if (Kept.Contains(group))
        {
            new ReadOnlySpan<float>(query, headDim).CopyTo(new Span<float>(target, headDim));
            return headDim;
        }
        for (var c = 0; c < Components; c++, target += headDim)
        {
            var factor = Vector512.Create(_mix[group][c]);
            for (var i = 0; i < headDim; i += Panel.Lanes) (Vector512.Load(query + i) * factor).Store(target + i);
        }
        return Components * headDim;
    }

    /// <summary>Composes a head, or a sum of its values: Σ_c mix[g, c] · row c.</summary>
    /// <param name="rows">[c·d]</param>
    /// <param name="group">The head.</param>
    /// <param name="headDim">Width d, a multiple of 16.</param>
    /// <param name="head">[d]</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Compose(float* rows, int group, int headDim, float* head)
    {
        for (var i = 0; i < headDim; i += Panel.Lanes)
        {
            Vector512<float> sum = default;
            for (var c = 0; c < Components; c++)
                sum = Vector512.FusedMultiplyAdd(Vector512.Load(rows + (c * headDim) + i),
                    Vector512.Create(_mix[group][c]), sum);
            sum.Store(head + i);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _mix.Dispose();
        _keep?.Dispose();
    }
}
