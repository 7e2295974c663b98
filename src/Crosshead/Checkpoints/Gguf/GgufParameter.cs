using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>Where a parameter of a model is in a GGUF file, and in what form.</summary>
internal sealed class GgufParameter
{
    private static readonly string[] s_ordered = ["attn_q", "attn_k", "attn_q_norm", "attn_k_norm"];

    private readonly long[] _own;               // the parameter's shape
    private readonly long[]? _inverse;          // for each place of a head in the file, the element

    private GgufParameter(string tensor, long[] own) => (Tensor, _own, Shape) = (tensor, own, own);

    private GgufParameter(string name, long[] own, int? expert, ModelOptions options, GgufArchitecture architecture)
        : this(name, own)
    {
        if (expert is not null) (Shape, First) = ([options.Experts!.Count, .. own], expert.Value * Count);
        var (block, part, kind) = Split(name);
        var joint = architecture.Joint.FirstOrDefault(j => j.Value.Contains(part));
        if (joint.Key is not null)
        {
            var rows = Array.ConvertAll(joint.Value, p => RowsOf(p, options));
            Tensor = $"{block}{joint.Key}.{kind}";
            Shape = [rows.Sum(), .. own[1..]];
            First = rows[..Array.IndexOf(joint.Value, part)].Sum() * Count / own[0];
        }
        if (part.EndsWith("norm", StringComparison.Ordinal))
            Added = s_ordered.Contains(part) ? options.Attention.QueryKeyNormOffset : options.Block.NormOffset;
        if (architecture.IsLatent || !s_ordered.Contains(part)) return;
        var d = options.HeadDim;
        Order = own[0] % d != 0 ? null : HeadOrder.Of(d, options.RotaryDims ?? d, architecture.TurnsNeighbours);
        if (Order is not null) _inverse = [.. Enumerable.Range(0, d).Select(i => (long)Array.IndexOf(Order, i))];
    }

    /// <summary>Finds a parameter.</summary>
    /// <param name="name">The parameter's name.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="options">The model's shape.</param>
    /// <exception cref="CrossheadException">The format has no place for it.</exception>
    public static GgufParameter Of(string name, long[] shape, ModelOptions options)
    {
        var architecture = GgufArchitectures.Of(options.Family);
        return new(GgufNames.Of(name, architecture, out var expert), shape, expert, options, architecture);
    }

    /// <summary>A parameter that is a tensor of its own, under its own name and in its own order.</summary>
    /// <param name="name">The parameter's name.</param>
    /// <param name="shape">Its shape.</param>
    public static GgufParameter Named(string name, long[] shape) => new(name, shape);

    /// <summary>The name of its tensor, which may hold several parameters.</summary>
    public string Tensor { get; }

    /// <summary>The whole tensor's sizes, the row's length last.</summary>
    public long[] Shape { get; }

    /// <summary>Index of its first element in the tensor.</summary>
    public long First { get; }

    /// <summary>Number of its elements.</summary>
    public long Count => _own.Aggregate(1L, (product, size) => product * size);

    /// <summary>What the file's numbers are more than the parameter's.</summary>
    public double Added { get; }

    /// <summary>For each row, or number, of a head its place in the file; null where the order is the same.</summary>
    public long[]? Order { get; }

    /// <summary>Whether the rows, or numbers, of the model are in another order in the file.</summary>
    public bool IsTurned => Order is not null;

    /// <summary>Whether it is a matrix, whose rows can be read one by one.</summary>
    public bool IsMatrix => _own.Length > 1;

    /// <summary>Index of the file's row for a row of the model.</summary>
    public long RowOf(long row) => Moved(row, Order);

    /// <summary>Index of the model's row for a row of the file.</summary>
    public long ModelRowOf(long row) => Moved(row, _inverse);

    /// <summary>Whether a tensor of the file has these sizes. Writers may leave out leading sizes of 1.</summary>
    public bool Fits(GgufTensor tensor) => Lasting(tensor.Shape).SequenceEqual(Lasting(Shape));

    /// <summary>The values in the order of the model, from those in the order of the file.</summary>
    public Tensor Ordered(Tensor values)
    {
        if (Added != 0) values = values - Added;
        return (Order is null ? values
            : values.reshape(-1, Order.Length, Count / _own[0]).index_select(1, tensor(Order))).reshape(_own);
    }

    private static long Moved(long row, long[]? places) => places is null ? row
        : row - (row % places.Length) + places[row % places.Length];

    // "blk.0.", "attn_q", "weight"
    private static (string Block, string Part, string Kind) Split(string name)
    {
        var (kind, block) = (name.LastIndexOf('.'), name.StartsWith("blk.", StringComparison.Ordinal)
            ? name.IndexOf('.', "blk.".Length) + 1 : 0);
        return (name[..block], name[block..kind], name[(kind + 1)..]);
    }

    private static long RowsOf(string part, ModelOptions options) => part switch
    {
        "attn_q" => (long)options.Attention.Heads * options.HeadDim,
        "attn_k" or "attn_v" => (long)options.Attention.Groups * options.HeadDim,
        _ => options.FeedForward,
    };

    private static ReadOnlySpan<long> Lasting(long[] shape)
    {
        var first = Array.FindIndex(shape, size => size != 1);
        return shape.AsSpan(first < 0 ? shape.Length : first);
    }
}
