using Crosshead.Attention;
using Crosshead.Weights;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Weights of latent attention between the first projections and the output projection, head by head. Queries carry
/// the projection to keys, and that to values is applied to the sums, so no key or value of a token is made.
/// </summary>
internal sealed unsafe class LatentWeights : IDisposable
{
    private readonly StackedMatrix[]? _queries; // [plain + rotated, query rank]; null where queries are there already
    private readonly StackedMatrix[] _keys;     // [kept, plain]
    private readonly StackedMatrix[] _values;   // [value, kept]
    private readonly StackedMatrix? _components;
    private readonly Rows? _queryNorm;
    private readonly Rows _norm;
    private readonly double _epsilon;
    private readonly bool _interleaved;

    /// <summary>Reads a layer.</summary>
    /// <param name="attention">The layer.</param>
    /// <param name="options">Its shape.</param>
    /// <param name="layout">Its heads; their width is that of the rotated part.</param>
    /// <param name="reader">Makes matrices.</param>
    public LatentWeights(LatentAttention attention, LatentOptions options, HeadLayout layout, WeightReader reader)
    {
        (Plain, Rotated, Kept, Rank) = (options.PlainWidth, layout.HeadDim, layout.ValueWidth, options.Rank);
        QueryRank = options.QueryRank;
        ValueWidth = options.ValueWidth;
        (_epsilon, _interleaved) = (options.NormEpsilon, options.Interleaved);
        _norm = new Rows(WeightReader.Values(attention.LatentNorm.Weight), Rank);
        if (attention.Components is { } components) _components = new StackedMatrix([reader.Read(components.Weight)]);
        if (attention.QueryNorm is { } norm)
        {
            _queryNorm = new Rows(WeightReader.Values(norm.Weight), QueryRank!.Value);
            using var all = reader.Read(attention.Query.Weight);
            _queries = OfHeads(head => all.Part((long)head * QueryWidth, QueryWidth));
        }
        var made = WeightReader.Values(attention.KeysAndValues.Weight);
        using var both = reader.Read(attention.KeysAndValues.Weight);
        var width = Plain + ValueWidth;
        _values = OfHeads(head => both.Part(((long)head * width) + Plain, ValueWidth));
        _keys = OfHeads(head => reader.Copy(Transposed(made.AsSpan(head * width * Kept, Plain * Kept), Kept), Plain));

        StackedMatrix[] OfHeads(Func<int, WeightMatrix> matrix) =>
            [.. Enumerable.Range(0, layout.Heads).Select(head => new StackedMatrix([matrix(head)]))];
    }

    /// <summary>Width of the plain part of a query head.</summary>
    public int Plain { get; }

    /// <summary>Width of the rotated part of a head.</summary>
    public int Rotated { get; }

    /// <summary>Width of the latent vector.</summary>
    public int Rank { get; }

    /// <summary>Numbers of the latent vector that the cache keeps.</summary>
    public int Kept { get; }

    /// <summary>Width of the latent vector of queries; null for none.</summary>
    public int? QueryRank { get; }

    /// <summary>Width of a value head.</summary>
    public int ValueWidth { get; }

    /// <summary>Width of a query head.</summary>
    public int QueryWidth => Plain + Rotated;

    /// <summary>The largest width of what is computed of a head.</summary>
    public int MostWidth => new[] { QueryWidth, Rank, QueryRank ?? 0 }.Max();

    /// <summary>The matrices that each token multiplies.</summary>
    public IEnumerable<StackedMatrix> Matrices =>
        [.. _queries ?? [], .. _keys, .. _values, .. _components is null ? [] : new[] { _components }];

    /// <summary>The queries of a head, from what the first projections gave.</summary>
    /// <param name="head">The head.</param>
    /// <param name="projected">[rows]: the latent vectors of queries, or all queries, first.</param>
    /// <param name="rows">Number of tokens.</param>
    /// <param name="normed">[rows], memory.</param>
    /// <param name="made">[rows], memory.</param>
    /// <param name="first">The first row of both memories.</param>
    /// <param name="stride">Elements from query to query.</param>
    /// <returns>The query of the first token.</returns>
    public float* Queries(int head, Rows projected, int rows, Rows normed, Rows made, int first, out int stride)
    {
        stride = _queries is null ? projected.Stride : made.Stride;
        if (_queries is null) return projected[0] + (head * QueryWidth);
        for (var r = 0; r < rows; r++)
        {
            Copy(projected[r], QueryRank!.Value, normed[first + r]);
            Norm(normed[first + r], _queryNorm!, normed[first + r]);
        }
        _queries[head].Multiply(0, _queries[head].Groups, normed[first], normed.Stride, rows, made[first], made.Stride);
        return made[first];
    }

    /// <summary>From plain parts of queries to queries of what the cache keeps.</summary>
    /// <param name="head">The head.</param>
    /// <param name="plain">[rows, plain]</param>
    /// <param name="first">The first row of both.</param>
    /// <param name="rows">Number of tokens.</param>
    /// <param name="absorbed">[rows, kept]</param>
    public void Absorb(int head, Rows plain, int first, int rows, Rows absorbed) => _keys[head].Multiply(0,
        _keys[head].Groups, plain[first], plain.Stride, rows, absorbed[first], absorbed.Stride);

    /// <summary>From sums of what the cache keeps to the outputs of a head.</summary>
    /// <param name="head">The head.</param>
    /// <param name="sums">[rows, kept]</param>
    /// <param name="first">The first row.</param>
    /// <param name="rows">Number of tokens.</param>
    /// <param name="outputs">[rows], heads side by side.</param>
    /// <param name="stride">Elements from row to row.</param>
    public void Expand(int head, Rows sums, int first, int rows, float* outputs, int stride) => _values[head].Multiply(
        0, _values[head].Groups, sums[first], sums.Stride, rows, outputs + (head * ValueWidth), stride);

    /// <summary>What the cache keeps of a token's latent vector.</summary>
    /// <param name="latent">[rank]</param>
    /// <param name="memory">[rank], filled up to a multiple of 16.</param>
    /// <param name="kept">[kept], filled up to a multiple of 16.</param>
    public void Keep(float* latent, float* memory, float* kept)
    {
        Copy(latent, Rank, memory);
        Norm(memory, _norm, _components is null ? kept : memory);
        if (_components is not null) _components.Multiply(0, _components.Groups, memory, 0, 1, kept, 0);
    }

    /// <summary>
    /// Copies the part of a head that is rotated, with the elements of a pair half a head apart.
    /// </summary>
    public void CopyRotated(float* from, float* to)
    {
        var half = Rotated / 2;
        for (var i = 0; i < half; i++)
            (to[i], to[half + i]) = _interleaved ? (from[2 * i], from[(2 * i) + 1]) : (from[i], from[half + i]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var matrix in Matrices) matrix.Dispose();
        _queryNorm?.Dispose();
        _norm.Dispose();
    }

    // Norms and products read up to a multiple of 16.
    private static void Copy(float* from, int count, float* to)
    {
        new Span<float>(to, Panel.Round(count)).Clear();
        new ReadOnlySpan<float>(from, count).CopyTo(new Span<float>(to, count));
    }

    private void Norm(float* x, Rows weight, float* y) => RowMath.RmsNorm(x, weight[0], weight.Width, _epsilon, y);

    private static float[] Transposed(ReadOnlySpan<float> matrix, int columns)
    {
        var (rows, turned) = (matrix.Length / columns, new float[matrix.Length]);
        for (var r = 0; r < rows; r++)
            for (var c = 0; c < columns; c++) turned[(c * rows) + r] = matrix[(r * columns) + c];
        return turned;
    }
}
