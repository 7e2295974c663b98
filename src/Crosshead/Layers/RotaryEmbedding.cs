using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>
/// Rotary position embedding (Su et al., 2021) in the half-split form of Hugging Face Llama: the pair (x_p, x_{p+d/2})
/// is turned by position · base^(−2p/d).
/// </summary>
public sealed class RotaryEmbedding : IDisposable
{
    private readonly Tensor _cos, _sin; // [positions, d/2]

    /// <summary>Prepares the angles of positions 0 … <paramref name="positions"/> − 1.</summary>
    /// <param name="headDim">Head width d, even.</param>
    /// <param name="positions">Longest sequence.</param>
    /// <param name="frequencyBase">RoPE's base (θ).</param>
    /// <param name="type">Precision of the tables: float64 for float64 models, otherwise float32.</param>
    /// <param name="device">Device of the tables.</param>
    public RotaryEmbedding(long headDim, long positions, double frequencyBase, ScalarType type, Device device)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        // The angles are computed in float64: at far positions float32 loses digits of position · frequency.
        var frequency = pow(frequencyBase, arange(0, headDim, 2, ScalarType.Float64) / -(double)headDim);
        var angle = outer(arange(positions, ScalarType.Float64), frequency);
        _cos = angle.cos().to(type, device).DetachFromDisposeScope();
        _sin = angle.sin().to(type, device).DetachFromDisposeScope();
    }

    /// <summary>Number of positions prepared.</summary>
    public long Positions => _cos.shape[0];

    /// <summary>Cosines and sines [length, d/2] of the positions from <paramref name="start"/> on; views, not to be written.</summary>
    public (Tensor Cos, Tensor Sin) Rows(long start, long length) => (_cos.narrow(0, start, length), _sin.narrow(0, start, length));

    /// <summary>Cosines and sines [B, N, d/2] of given positions [B, N] (int64).</summary>
    public (Tensor Cos, Tensor Sin) Rows(Tensor positions) => (_cos[positions], _sin[positions]);

    /// <summary>Turns heads by their positions.</summary>
    /// <param name="x">[B, N, heads, d]</param>
    /// <param name="cos">[N, d/2] or [B, N, d/2]</param>
    /// <param name="sin">as <paramref name="cos"/></param>
    /// <returns>[B, N, heads, d]</returns>
    public static Tensor Rotate(Tensor x, Tensor cos, Tensor sin)
    {
        var half = x.shape[^1] / 2;
        var (c, s) = (cos.unsqueeze(-2).to(x.dtype), sin.unsqueeze(-2).to(x.dtype)); // [N,1,d/2]
        var (a, b) = (x.narrow(-1, 0, half), x.narrow(-1, half, half));
        return cat([(a * c) - (b * s), (b * c) + (a * s)], -1);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _cos.Dispose();
        _sin.Dispose();
    }
}
