using Crosshead.Layers;
using Crosshead.Runtime;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Training.Sharding;

/// <summary>
/// Which rank sums, steps and keeps which elements. The parameters of one transformer block are a bucket; small blocks
/// share one. Each bucket is shared out among all ranks, so that all of them send and receive at all times.
/// </summary>
/// <param name="Buckets">The buckets, in the order in which a backward pass completes them.</param>
/// <param name="Blocks">Number of blocks of all parameters.</param>
internal sealed record ShardPlan(IReadOnlyList<BucketPlan> Buckets, int Blocks)
{
    /// <summary>Bytes of gradients that are worth an exchange of their own.</summary>
    public const long BucketBytes = 25 << 20;

    /// <summary>Number of parameters.</summary>
    public int Parameters => Buckets.Sum(b => b.Parameters.Count);

    /// <summary>Shares out the parameters of the optimizer's groups.</summary>
    /// <param name="groups">The groups; the order of blocks is theirs.</param>
    /// <param name="all">The model's parameters, in the order of the forward pass.</param>
    /// <param name="compute">Precision of the computation.</param>
    /// <param name="ranks">Number of ranks.</param>
    /// <param name="leastBytes">Bytes of gradients that are worth an exchange of their own.</param>
    public static ShardPlan Of(IReadOnlyList<ParameterGroup> groups, IReadOnlyList<Parameter> all,
        ScalarType compute, int ranks, long leastBytes = BucketBytes)
    {
        var (places, block) = (new Dictionary<Parameter, Placement>(), 0);
        var position = all.Index().ToDictionary(p => p.Item, p => p.Index);
        for (var group = 0; group < groups.Count; group++)
        {
            foreach (var parameter in groups[group].Parameters)
            {
                var place = new Placement(parameter, places.Count, group, block, position[parameter]);
                places.Add(parameter, place);
                block = checked(block + place.Blocks);
            }
        }
        var buckets = new List<BucketPlan>();
        foreach (var ofType in all.Where(places.ContainsKey).Reverse().GroupBy(p => ParameterTypes.Of(p, compute)))
        {
            var (open, bytes) = (new List<Placement>(), 0L);
            foreach (var place in ofType.Select(p => places[p]))
            {
                // What is outside the layers never shares a bucket with them: it is needed at other times.
                if (open.Count > 0 && open[^1].Layer is var last && (place.Layer is null != last is null
                    || (bytes >= leastBytes && (place.Layer is null || place.Layer != last))))
                    Close();
                open.Add(place);
                bytes += place.Count * Precision.BytesOf(ofType.Key.Gradient);
            }
            Close();
            void Close()
            {
                buckets.Add(BucketPlan.Of(open, ofType.Key, ranks));
                (open, bytes) = ([], 0);
            }
        }
        // The last gradient of a bucket decides when it is complete.
        return new ShardPlan([.. buckets.OrderByDescending(First)], block);
    }

    /// <summary>
    /// For each layer, how many of the buckets are complete when the backward pass comes to it: the first ones up to a
    /// bucket with a parameter of that layer or of what is before it.
    /// </summary>
    /// <param name="all">The model's parameters, in the order of the forward pass.</param>
    /// <param name="layers">Number of layers.</param>
    public int[] CompleteBefore(IReadOnlyList<Parameter> all, int layers)
    {
        var last = new int[layers];
        foreach (var (position, parameter) in all.Index())
            if (Placement.LayerOf(parameter) is { } layer) last[layer] = position;
        return [.. last.Select(position => Buckets.TakeWhile(b => First(b) > position).Count())];
    }

    private static int First(BucketPlan bucket) => bucket.Parameters.Min(p => p.Position);
}
