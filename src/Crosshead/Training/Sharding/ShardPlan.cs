using System.Text.RegularExpressions;
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
internal sealed partial record ShardPlan(IReadOnlyList<BucketPlan> Buckets, int Blocks)
{
    /// <summary>Bytes of gradients that are worth an exchange of their own.</summary>
    public const long BucketBytes = 25 << 20;

    /// <summary>Number of parameters.</summary>
    public int Parameters => Buckets.Sum(b => b.Parameters.Count);

    /// <summary>Shares out the parameters of the optimizer's groups.</summary>
    /// <param name="groups">The groups; the order of blocks is theirs.</param>
    /// <param name="all">The model's parameters, in the order of the forward pass.</param>
    /// <param name="typeOf">The type in which a parameter's gradient is computed.</param>
    /// <param name="ranks">Number of ranks.</param>
    /// <param name="leastBytes">Bytes of gradients that are worth an exchange of their own.</param>
    public static ShardPlan Of(IReadOnlyList<ParameterGroup> groups, IReadOnlyList<Parameter> all,
        Func<Parameter, ScalarType> typeOf, int ranks, long leastBytes = BucketBytes)
    {
        var (places, block) = (new Dictionary<Parameter, Placement>(), 0);
        for (var group = 0; group < groups.Count; group++)
        {
            foreach (var parameter in groups[group].Parameters)
            {
                var place = new Placement(parameter, places.Count, group, block, 0);
                places.Add(parameter, place);
                block = checked(block + place.Blocks);
            }
        }
        var buckets = new List<BucketPlan>();
        foreach (var ofType in all.Where(places.ContainsKey).Reverse().GroupBy(typeOf))
        {
            var (open, bytes, last) = (new List<Placement>(), 0L, "");
            foreach (var parameter in ofType)
            {
                var part = PartOf(parameter.Name);
                if (bytes >= leastBytes && part != last) Close();
                open.Add(places[parameter]);
                bytes += places[parameter].Count * Precision.BytesOf(ofType.Key);
                last = part;
            }
            Close();
            void Close()
            {
                buckets.Add(BucketPlan.Of(open, ofType.Key, ranks));
                (open, bytes) = ([], 0);
            }
        }
        // The last gradient of a bucket decides when it is complete.
        var order = all.Index().ToDictionary(p => p.Item, p => p.Index);
        return new ShardPlan([.. buckets.OrderByDescending(b => b.Parameters.Min(p => order[p.Parameter]))], block);
    }

    // "model.layers.3." for a parameter of a transformer block, else the parameter itself.
    private static string PartOf(string name) => Layer().Match(name) is { Success: true } layer ? layer.Value : name;

    [GeneratedRegex(@"^model\.layers\.\d+\.")]
    private static partial Regex Layer();
}
