namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Turns projections into the inputs of attention. Queries are normed, rotated, scaled and written to their places.
/// Keys are normed, rotated and written to the cache together with the values.
/// </summary>
/// <param name="weights">The layer.</param>
/// <param name="scratch">Working memory.</param>
/// <param name="rotary">Angles.</param>
/// <param name="cache">Where keys and values are written.</param>
/// <param name="keys">The mix by which key heads are composed when they are read; null if queries are multiplied by
/// the mix of keys, if there is one.</param>
/// <param name="values">The mix by which value heads are composed when they are read; null for none.</param>
internal sealed unsafe class HeadPlacement<T>(AttentionWeights weights, AttentionScratch scratch, RotaryTable rotary,
    PanelPages<T> cache, HeadMix? keys, HeadMix? values) where T : unmanaged, IPanelElement<T>
{
    private readonly HeadLayout _layout = weights.Layout;
    private readonly float _scale = (float)(weights.Options.ScoreScale ?? 1 / Math.Sqrt(weights.Layout.HeadDim));

    /// <summary>Items per token: query heads, key rows and value rows.</summary>
    public int Items => _layout.Heads + _layout.KeyRows + _layout.ValueRows;

    /// <summary>Places one item of a token.</summary>
    public void Place(PassBlock pass, int row, int item, int member)
    {
        var position = pass[row].Position;
        var slot = pass[row].Slot;
        var queries = scratch.Projected[row];
        var firstKey = queries + (_layout.Heads * _layout.HeadDim);
        var firstValue = firstKey + (_layout.KeyRows * _layout.KeyWidth);
        var (key, value) = (item - _layout.Heads, item - _layout.Heads - _layout.KeyRows);
        if (key < 0) PlaceQuery(queries, pass, row, item, member);
        else if (value < 0) PlaceKey(firstKey, pass[row], key, member);
        else PlaceValue(slot, value, position, firstValue + (value * _layout.ValueWidth));
    }

    private void PlaceValue(int slot, int row, int position, float* value)
    {
        values?.Keep(value, _layout.HeadDim);
        cache.WriteValue(slot, row, position, value, _layout.ValueWidth);
    }

    private void PlaceQuery(float* queries, PassBlock pass, int row, int head, int member)
    {
        var (d, position) = (_layout.HeadDim, pass[row].Position);
        var query = queries + (head * d);
        if (weights.QueryKeyNorm is { } norm)
        {
            // A norm of all heads reads heads that others place meanwhile.
            if (norm.IsWhole) query = scratch.Head[2 * member];
            norm.Query(queries, _layout.Heads, head, query);
        }
        rotary.For(pass[row].Reach).Rotate(query, position, _scale * rotary.QueryFactor(position));
        var place = scratch.Query(_layout.Vector(pass.GroupOf(row, _layout.RowsPerGroup), row, head));
        if (keys is null && weights.Keys is { } mix) mix.Absorb(query, _layout.GroupOf(head), place);
        else new ReadOnlySpan<float>(query, d).CopyTo(new Span<float>(place, d));
        if (!T.RoundsVectors) return;
        var (width, all) = (_layout.KeyWidth, Panel.Round(_layout.KeyWidth));
        new Span<float>(place + width, all - width).Clear();
        T.Encode(place, all, place);
    }

    private void PlaceKey(float* first, in DecodeRow token, int row, int member)
    {
        var (slot, position) = (token.Slot, token.Position);
        var key = first + (row * _layout.KeyWidth);
        if (weights.QueryKeyNorm is { } norm)
        {
            if (weights.Keys is { } mix)
            {
                PlaceKeyFactors(norm, mix, key, slot, position, member);
            }
            else
            {
                if (norm.IsWhole) key = scratch.Head[2 * member];
                norm.Key(first, _layout.KeyRows, row, key);
            }
        }
        keys?.Keep(key, _layout.HeadDim);
        var angles = rotary.For(token.Reach);
        for (var i = 0; i < _layout.KeyWidth; i += _layout.HeadDim) angles.Rotate(key + i, position, 1);
        cache.WriteKey(slot, row, position, key, _layout.KeyWidth);
    }

    private void PlaceKeyFactors(QueryKeyNorm norm, KeyMix mix, float* components, int slot, int position,
        int member)
    {
        float* head = scratch.Head[2 * member], term = scratch.Head[(2 * member) + 1];
        var squares = 0.0;
        for (var g = 0; g < _layout.Groups; g++)
        {
            mix.Compose(components, g, head, term);
            var own = norm.KeySquares(head, g);
            squares += own;
            if (!norm.IsWhole) cache.WriteKeyFactor(slot, g, position, norm.KeyFactor(own, 1));
        }
        for (var g = 0; norm.IsWhole && g < _layout.Groups; g++)
            cache.WriteKeyFactor(slot, g, position, norm.KeyFactor(squares, _layout.Groups));
    }
}
