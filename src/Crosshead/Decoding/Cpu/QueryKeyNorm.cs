namespace Crosshead.Decoding.Cpu;

/// <summary>
/// RMSNorm of each query and key head before its rotation. Of key components only what is linear can be applied to
/// them: they carry the weights γ already, and what is left is one factor a composed head, 1/rms, for its scores.
/// </summary>
internal sealed unsafe class QueryKeyNorm : IDisposable
{
    private readonly Rows _query, _key, _inverse; // [d] each
    private readonly double _epsilon;

    /// <summary>The norm with the weights of queries and keys [d].</summary>
    public QueryKeyNorm(float[] query, float[] key, double epsilon)
    {
        (_query, _key, _epsilon) = (new Rows(query, query.Length), new Rows(key, key.Length), epsilon);
        _inverse = new Rows([.. key.Select(w => w == 0 ? 0 : 1 / w)], key.Length);
    }

    /// <summary>Norms a query head [d] in place.</summary>
    public void Query(float* head) => RowMath.HeadNorm(head, _query[0], _query.Width, _epsilon, head);

    /// <summary>Norms a whole key head [d] in place.</summary>
    public void Key(float* head) => RowMath.HeadNorm(head, _key[0], _key.Width, _epsilon, head);

    /// <summary>
    /// 1/√(mean (head/γ)² + ε) of a head [d] that was composed of components; the head is overwritten.
    /// </summary>
    public float KeyFactor(float* head)
    {
        for (var i = 0; i < _inverse.Width; i++) head[i] *= _inverse[0][i];
        return (float)(1 / Math.Sqrt((RowMath.SumOfSquares(head, _inverse.Width) / _inverse.Width) + _epsilon));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _query.Dispose();
        _key.Dispose();
        _inverse.Dispose();
    }
}
