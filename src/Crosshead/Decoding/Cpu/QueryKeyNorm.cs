namespace Crosshead.Decoding.Cpu;

/// <summary>
/// RMSNorm of queries and keys before their rotation, of each head by itself or of all heads together. Key components
/// cannot be normed, because a norm is not linear. They already contain the weights γ. The scores of each composed head
/// are multiplied by its factor 1/rms.
/// </summary>
internal sealed unsafe class QueryKeyNorm : IDisposable
{
    private readonly Rows _query, _key, _inverse; // [heads or 1] of [d]
    private readonly double _epsilon;
    private readonly int _headDim;

    /// <summary>Creates the norm.</summary>
    /// <param name="query">The weights of queries, [d] or [h·d].</param>
    /// <param name="key">The weights of keys, [d] or [g·d].</param>
    /// <param name="headDim">Head width d.</param>
    /// <param name="epsilon">What is added to the mean square.</param>
    /// <param name="whole">Whether one norm spans all heads.</param>
    public QueryKeyNorm(float[] query, float[] key, int headDim, double epsilon, bool whole)
    {
        (_query, _key, _epsilon, _headDim) = (new Rows(query, headDim), new Rows(key, headDim), epsilon, headDim);
        _inverse = new Rows([.. key.Select(w => w == 0 ? 0 : 1 / w)], headDim);
        IsWhole = whole;
    }

    /// <summary>Whether one norm spans all heads.</summary>
    public bool IsWhole { get; }

    /// <summary>Norms a query head.</summary>
    /// <param name="heads">All query heads of the token [h·d].</param>
    /// <param name="count">Number of the heads h.</param>
    /// <param name="head">Index of the head.</param>
    /// <param name="normed">Where the normed head [d] goes; the head itself is allowed if each has its norm.</param>
    public void Query(float* heads, int count, int head, float* normed) => Norm(heads, count, head, _query, normed);

    /// <summary>Norms a whole key head, as <see cref="Query"/> does a query head.</summary>
    public void Key(float* heads, int count, int head, float* normed) => Norm(heads, count, head, _key, normed);

    /// <summary>Σ (head/γ)² of a head [d] that is composed of components; overwrites the head.</summary>
    public double KeySquares(float* head, int index)
    {
        var inverse = _inverse[_inverse.Count == 1 ? 0 : index];
        for (var i = 0; i < _headDim; i++) head[i] *= inverse[i];
        return RowMath.SumOfSquares(head, _headDim);
    }

    /// <summary>1/√(mean (head/γ)² + ε), from the sum of some squares.</summary>
    public float KeyFactor(double squares, int heads) =>
        (float)(1 / Math.Sqrt((squares / (heads * _headDim)) + _epsilon));

    /// <inheritdoc/>
    public void Dispose()
    {
        _query.Dispose();
        _key.Dispose();
        _inverse.Dispose();
    }

    private void Norm(float* heads, int count, int head, Rows weight, float* normed)
    {
        var x = heads + (head * _headDim);
        if (IsWhole) RowMath.HeadNorm(x, weight[head], _headDim, count * _headDim, RowMath.SumOfSquares(heads,
            count * _headDim), _epsilon, normed);
        else RowMath.HeadNorm(x, weight[0], _headDim, _headDim, RowMath.SumOfSquares(x, _headDim), _epsilon, normed);
    }
}
