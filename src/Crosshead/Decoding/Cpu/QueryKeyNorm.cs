namespace Crosshead.Decoding.Cpu;

/// <summary>
/// RMSNorm of each query and key head before its rotation. Key components cannot be normed, because a norm is not
/// linear. They already contain the weights γ. The scores of each composed head are multiplied by its factor 1/rms.
/// </summary>
internal sealed unsafe class QueryKeyNorm : IDisposable
{
    private readonly Rows _query, _key, _inverse; // [d] each
    private readonly double _epsilon;

    /// <summary>Creates the norm with the weights of queries and keys [d].</summary>
    public QueryKeyNorm(float[] query, float[] key, double epsilon)
    {
        (_query, _key, _epsilon) = (new Rows(query, query.Length), new Rows(key, key.Length), epsilon);
        _inverse = new Rows([.. key.Select(w => w == 0 ? 0 : 1 / w)], key.Length);
    }

    /// <summary>Norms a query head [d] in place.</summary>
    public void Query(float* head) => RowMath.HeadNorm(head, _query[0], _query.Width, _epsilon, head);

    /// <summary>Norms a whole key head [d] in place.</summary>
    public void Key(float* head) => RowMath.HeadNorm(head, _key[0], _key.Width, _epsilon, head);

    /// <summary>1/√(mean (head/γ)² + ε) of a head [d] that is composed of components; overwrites the head.</summary>
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
