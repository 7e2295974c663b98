namespace Crosshead.Generation.Cpu;

/// <summary>From projections to what attention reads: queries rotated and scaled in their slots, keys rotated and values in the cache.</summary>
internal sealed unsafe class HeadPlacement<T> where T : unmanaged, IPanelElement<T>
{
    private readonly HeadLayout _layout;
    private readonly AttentionScratch _scratch;
    private readonly RotaryTable _rotary;
    private readonly KeyValuePanels<T>[] _caches;
    private readonly float[]? _keyMix;
    private readonly int _groups, _keyHeads;
    private readonly float _scale;

    public HeadPlacement(AttentionWeights weights, AttentionScratch scratch, RotaryTable rotary, KeyValuePanels<T>[] caches)
    {
        (_layout, _scratch, _rotary, _caches, _keyMix) = (weights.Layout, scratch, rotary, caches, weights.KeyMix);
        _groups = weights.Options.Groups;
        _keyHeads = _layout.KeyRows * _layout.KeyWidth / _layout.HeadDim;
        _scale = 1 / MathF.Sqrt(_layout.HeadDim);
    }

    /// <summary>Items a token: its query heads, its key heads or components, its value rows.</summary>
    public int Items => _layout.Heads + _keyHeads + _layout.ValueRows;

    /// <summary>Places one item of a token.</summary>
    public void Place(DecodePass pass, int row, int item)
    {
        var (position, d) = (pass[row].Position, _layout.HeadDim);
        var cache = _caches[pass[row].Sequence];
        var projected = _scratch.Projected[row];
        if (item < _layout.Heads)
        {
            PlaceQuery(projected + (item * d), row, item, position);
        }
        else if (item < _layout.Heads + _keyHeads)
        {
            var head = item - _layout.Heads;
            var key = projected + (item * d);
            _rotary.Rotate(key, position, 1);
            if (_layout.SharedKeys) cache.WriteKey(0, position, head * d, key, d);
            else cache.WriteKey(head, position, 0, key, d);
        }
        else
        {
            var index = item - _layout.Heads - _keyHeads;
            var value = projected + ((_layout.Heads + _keyHeads) * d) + (index * _layout.ValueWidth);
            cache.WriteValue(index, position, value, _layout.ValueWidth);
        }
    }

    private void PlaceQuery(float* query, int row, int head, int position)
    {
        var d = _layout.HeadDim;
        _rotary.Rotate(query, position, _scale);
        var slot = _scratch.Queries[(row * _layout.Heads) + _layout.Slot(head)];
        if (_keyMix is null)
        {
            new ReadOnlySpan<float>(query, d).CopyTo(new Span<float>(slot, d));
            return;
        }
        // The query carries the mix: ⟨q̃, components⟩ = ⟨q, Σ_c mix[c, G] · component c⟩.
        var group = head / (_layout.Heads / _groups);
        for (var c = 0; c < _keyHeads; c++)
        {
            var mix = _keyMix[(c * _groups) + group];
            for (var i = 0; i < d; i++) slot[(c * d) + i] = mix * query[i];
        }
    }
}
