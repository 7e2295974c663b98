namespace Crosshead.Kernels.CausalAttention;

/// <summary>Addresses of the tensors of an attention call; the gradients are null forward.</summary>
internal unsafe struct AttentionContext
{
    public AttentionShape Shape;
    public float Scale;
    public void* Query;     // [B, N, h, d]
    public void* Key;       // [B, T, g, d]
    public void* Value;     // [B, T, gv, d']
    public void* Output;    // [B, N, h, d']; backward: its gradient
    public int* Ends;       // [B, T]: key t is seen by the queries t … ends − 1 alone; null: by all from t on
    public float* LogSums;  // [B, h, N]: log Σ exp of each query's scores
    public void* QueryGradient;
    public void* KeyGradient;
    public void* ValueGradient;
}
