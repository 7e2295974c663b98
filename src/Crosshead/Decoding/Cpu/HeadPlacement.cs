namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Turns projections into the inputs of attention. Queries are normed, rotated, scaled and written to their places.
/// Keys are normed, rotated and written to the cache together with the values.
/// </summary>
/// <param name="weights">The layer.</param>
/// <param name="scratch">Working memory.</param>
/// <param name="rotary">Angles.</param>
/// <param name="cache">Where keys and values are written.</param>
/// <param name="keys">The mix of key heads with the rows that are cached; null if queries are multiplied by the mix of
/// keys with components, if there is one.</param>
/// <param name="values">The mix of value heads with the rows that are cached; null for none.</param>
internal sealed unsafe class HeadPlacement<T>(AttentionWeights weights, AttentionScratch scratch, RotaryTable rotary,
    PanelPages<T> cache, HeadMix? keys, HeadMix? values) where T : unmanaged, IPanelElement<T>
{
    private readonly HeadLayout _layout = weights.Layout;
    private readonly float _scale = (float)(weights.Options.ScoreScale ?? 1 / Math.Sqrt(weights.Layout.HeadDim));

    /// <summary>Items per token: key rows and value rows.</summary>
    public int Items => _layout.KeyRows + _layout.ValueRows;

    /// <summary>Places a key or value row of a token.</summary>
    public void Place(PassBlock pass, int row, int item, int member)
    {
        ref readonly var token = ref pass[row];
        var firstKey = scratch.Projected[row] + (_layout.Heads * _layout.HeadDim);
        var firstValue = firstKey + (_layout.KeyRows * _layout.KeyWidth);
        var value = item - _layout.KeyRows;
        if (value < 0) PlaceKey(firstKey, token, item, member);
        else PlaceValue(token.Slot, value, token.Position, firstValue + (value * _layout.ValueWidth));
    }

    /// <summary>Places the keys and values of a unit of a group.</summary>
    public void Place(PassBlock pass, RowGroup group, int unit, int member)
    {
        var (keyRows, valueRows) = (_layout.KeyRowsPerUnit, _layout.ValueRowsPerUnit);
        cache.AskFor(pass[group.First].Slot, pass[group.First].Position, unit * keyRows, keyRows, unit * valueRows,
            valueRows);
        for (var row = group.First; row < group.First + group.Count; row++)
        {
            for (var key = unit * keyRows; key < (unit + 1) * keyRows; key++) Place(pass, row, key, member);
            for (var value = unit * valueRows; value < (unit + 1) * valueRows; value++)
                Place(pass, row, _layout.KeyRows + value, member);
        }
    }

    /// <summary>Places the queries of a unit of a group in memory of a thread.</summary>
    public PanelVectors PlaceQueries(PassBlock pass, RowGroup group, int unit, int member)
    {
        var (slots, first) = (_layout.SlotsPerUnit, _layout.FirstVector(group, unit));
        var queries = scratch.QueriesOf(member, slots * group.Count);
        for (var row = group.First; row < group.First + group.Count; row++)
            for (var head = unit * slots; head < (unit + 1) * slots; head++)
                PlaceQuery(pass[row], row, head, queries[_layout.Vector(group, row, head) - first], member);
        return queries;
    }

    private void PlaceValue(int slot, int row, int position, float* value)
    {
        values?.Keep(value, _layout.HeadDim);
        cache.WriteValue(slot, row, position, value, _layout.ValueWidth);
    }

    private void PlaceQuery(in DecodeRow token, int row, int head, float* place, int member)
    {
        float* queries = scratch.Projected[row], query = queries + (head * _layout.HeadDim);
        var position = token.Position;
        var mix = keys is null ? weights.Keys : null;
        // What other threads have written is only read.
        var own = mix is null && (keys is null || !T.RoundsVectors) ? place : scratch.Head[2 * member];
        if (weights.QueryKeyNorm is { } norm)
        {
            norm.Query(queries, _layout.Heads, head, own);
            query = own;
        }
        rotary.For(token.Reach).Rotate(query, position, _scale * rotary.QueryFactor(position), own);
        mix?.Absorb(own, _layout.GroupOf(head), place);
        if (!T.RoundsVectors && !T.HasScales) return;
        var width = keys?.Absorb(own, _layout.GroupOf(head), _layout.HeadDim, place) ?? _layout.KeyWidth;
        var all = Panel.Round(width);
        // What a wider layer has left there would take part in the scale of a rounded query.
        new Span<float>(place + width, all - width).Clear();
        if (T.RoundsVectors) T.Encode(place, all, place);
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
        var rotated = scratch.Head[2 * member];
        for (var i = 0; i < _layout.KeyWidth; i += _layout.HeadDim) angles.Rotate(key + i, position, 1, rotated + i);
        cache.WriteKey(slot, row, position, rotated, _layout.KeyWidth);
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
