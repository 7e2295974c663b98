namespace Crosshead.Decoding.Cpu;

/// <summary>
/// The feed-forward layers of a pass, dense or mixtures: a dense layer is a mixture with one expert.
/// </summary>
/// <param name="scratch">Working memory.</param>
/// <param name="stream">The residual stream.</param>
/// <param name="normed">The stream after a norm.</param>
/// <param name="block">The rows.</param>
/// <param name="products">[member]: what the members multiply.</param>
internal sealed unsafe class FeedForwardPass(DecodeScratch scratch, ResidualRows stream, NormedRows normed,
    PassBlock block, MemberProducts[] products)
{
    /// <summary>The center that the inputs of a layer are rounded for; null where they stay float32 for now.</summary>
    public int? CenterOf(LayerWeights layer) => layer.Router is null && layer.Shared is null
        && layer.Experts[0].Gate.Center == layer.Experts[0].Up.Center
            ? products[0].Input.CenterFor(layer.Experts[0].Gate) : null;

    /// <summary>Rates the experts. Inputs of routers are not rounded: another expert would be a large step.</summary>
    public void Rate(Router router, int first, int end, int member)
    {
        var x = normed.Numbers(member, out var stride);
        var y = scratch.Logits;
        router.Matrix.Multiply(first, end, x, stride, block.Count, y[0], y.Stride);
    }

    /// <summary>Chooses the experts of some rows.</summary>
    public void Route(Router router, int first, int end)
    {
        for (var r = first; r < end; r++) router.Route(scratch.Logits[r], scratch.Ratings[r], scratch.Routes, r);
    }

    /// <summary>Number of groups of inner numbers. Those of the experts come first, then those of the shared.</summary>
    public static int InnerGroups(LayerWeights layer) =>
        layer.Experts[0].Gate.Groups + (layer.Shared?.Gate.Groups ?? 0);

    /// <summary>Computes some groups of inner numbers.</summary>
    public void Gate(LayerWeights layer, int first, int end, int member)
    {
        var own = layer.Experts[0].Gate.Groups;
        if (first < own)
            Gate(layer.Experts, Routes(layer), layer.ExpertsPerToken, 0, first, Math.Min(end, own), member,
                CenterOf(layer));
        if (end > own && layer.Shared is { } shared)
            Gate([shared], scratch.Dense, 1, layer.ExpertsPerToken, Math.Max(first - own, 0), end - own, member, null);
    }

    /// <summary>Adds some groups of outputs to the stream.</summary>
    public void Down(LayerWeights layer, int first, int end, int member)
    {
        var (start, length) = layer.Experts[0].Down.OutputsOf(first, end);
        var target = stream.FeedForwardTarget(layer.FeedForwardOutputNorm);
        for (var r = 0; r < block.Count; r++) stream.BeginFeedForward(target, r, start, length);
        Down(layer.Experts, Routes(layer), layer.ExpertsPerToken, 0, first, end, member, target);
        if (layer.Shared is { } shared)
            Down([shared], scratch.Dense, 1, layer.ExpertsPerToken, first, end, member, target);
    }

    private void Gate(ReadOnlySpan<FeedForwardWeights> layers, ExpertRoutes routes, int choices, int place, int first,
        int end, int member, int? center)
    {
        var own = products[member];
        for (var choice = 0; choice < choices; choice++)
        {
            for (int r = 0, count; r < block.Count; r += count)
            {
                count = routes.Run(choice, r, block.Count);
                var layer = layers[routes[choice, r].Expert];
                normed.Give(own.Input, member, new RowGroup(r, count), center);
                for (int from = first, to; from < end; from = to)
                {
                    to = Math.Min(end, from + own.GroupsFor(count));
                    var (gate, up) = (own.Multiply(layer.Gate, from, to), own.Multiply(layer.Up, from, to, 1));
                    for (var i = 0; i < count; i++) layer.Activate(gate[i], up[i], gate.Length);
                    var together = Inner(place + choice, r, count);
                    scratch.Inner.Write(gate[0], gate.Stride, together.First, count, together, gate.Start,
                        gate.Length, own.Input.CenterFor(layer.Down));
                }
            }
        }
    }

    private void Down(ReadOnlySpan<FeedForwardWeights> layers, ExpertRoutes routes, int choices, int place, int first,
        int end, int member, Rows target)
    {
        var own = products[member];
        for (var choice = 0; choice < choices; choice++)
        {
            for (int r = 0, count; r < block.Count; r += count)
            {
                count = routes.Run(choice, r, block.Count);
                var layer = layers[routes[choice, r].Expert];
                scratch.Inner.Give(own.Input, Inner(place + choice, r, count), own.Input.CenterFor(layer.Down));
                for (int from = first, to; from < end; from = to)
                {
                    to = Math.Min(end, from + own.GroupsFor(count));
                    var tile = own.Multiply(layer.Down, from, to);
                    for (var i = 0; i < count; i++)
                        stream.Add(tile[i], routes[choice, r + i].Weight, target, r + i, tile.Start, tile.Length);
                }
            }
        }
    }

    // The experts of the tokens.
    private ExpertRoutes Routes(LayerWeights layer) => layer.Router is null ? scratch.Dense : scratch.Routes;

    // Where the inner numbers of rows with the same expert are.
    private static RowGroup Inner(int choice, int row, int count) => new((choice * PassBlock.MaxRows) + row, count);
}
