using System.Numerics;
using Crosshead.Kernels.Rotary;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>
/// Rotary position embedding (Su et al., 2021) in the half-split form of Hugging Face Llama: the pair (x_p, x_{p+d/2})
/// is rotated by position · base^(−2p/d), scaled as <see cref="RopeScaling"/> says. Where only a part of each head is
/// rotated, the other pairs have the angle 0. The tables grow with the requested positions, so a long context costs
/// nothing until it is used.
/// </summary>
public sealed class RotaryEmbedding : IDisposable
{
    private const long FewestRows = 256;

    private readonly Lock _growing = new();
    private readonly ScalarType _type;
    private readonly Device _device;
    private Tensor? _cos, _sin; // [rows so far, d/2]; null before the first are asked for

    /// <summary>Prepares the angles of positions 0 … <paramref name="positions"/> − 1.</summary>
    /// <param name="headDim">Head width d, even.</param>
    /// <param name="positions">Longest sequence: the model's context.</param>
    /// <param name="frequencyBase">RoPE's base (θ).</param>
    /// <param name="type">Precision of the tables: float64 for float64 models, otherwise float32.</param>
    /// <param name="device">Device of the tables.</param>
    /// <param name="scaling">How frequencies are scaled; null for no scaling.</param>
    /// <param name="turned">Width of the part of a head that is rotated, even; 0 for none, null for all of it.</param>
    /// <param name="beyond">Whether the text is longer than the original context of the scaling. Then all positions
    /// have its long factors, otherwise those beyond that context alone (LongRoPE).</param>
    public RotaryEmbedding(long headDim, long positions, double frequencyBase, ScalarType type, Device device,
        RopeScaling? scaling = null, long? turned = null, bool beyond = true)
    {
        (_type, _device) = (type, device);
        Angles = new RotaryAngles(headDim, positions, frequencyBase, scaling, turned, beyond);
        if (device.type != DeviceType.CPU) Grow(1); // before a graph is captured
    }

    /// <summary>The angles as numbers.</summary>
    internal RotaryAngles Angles { get; }

    /// <summary>Maximum number of positions.</summary>
    public long Positions => Angles.Positions;

    /// <summary>
    /// Cosines and sines [length, d/2] of the positions from <paramref name="start"/> on. They are views; do not write
    /// to them.
    /// </summary>
    public (Tensor Cos, Tensor Sin) Rows(long start, long length)
    {
        lock (_growing)
        {
            var (cos, sin) = Grow(start + length);
            return (cos.narrow(0, start, length), sin.narrow(0, start, length));
        }
    }

    /// <summary>
    /// Cosines and sines [B, N, d/2] of given positions [B, N] (int64), each below <paramref name="bound"/>.
    /// </summary>
    public (Tensor Cos, Tensor Sin) Rows(Tensor positions, long bound)
    {
        lock (_growing)
        {
            var (cos, sin) = Grow(bound);
            return (cos[positions], sin[positions]);
        }
    }

    /// <summary>Whether queries grow with their positions, see <see cref="RopeScaling.QueryGrowth"/>.</summary>
    internal bool Grows => Angles.Growth is not null;

    /// <summary>What the queries of positions are multiplied by beside the rotation [positions]; null for 1.</summary>
    /// <param name="positions">Positions, of any shape (int64).</param>
    public Tensor? QueryFactors(Tensor positions)
    {
        if (Angles.Growth is not { } growth) return null;
        using Scalar factor = growth; // named, so that it is not collected while native code reads it
        var turns = positions.to(ScalarType.Float64).Over(Angles.Original).floor(); // as RotaryAngles.QueryFactor
        return turns.log1p().mul(factor).Plus(1).to(_type, _device);
    }

    /// <summary>Rotates heads by their positions.</summary>
    /// <param name="x">[B, N, heads, d]</param>
    /// <param name="cos">[N, d/2] or [B, N, d/2]</param>
    /// <param name="sin">as <paramref name="cos"/></param>
    /// <returns>[B, N, heads, d]</returns>
    public static Tensor Rotate(Tensor x, Tensor cos, Tensor sin)
    {
        // On a CUDA device a launch costs more than the work.
        var count = (int)x.shape[2];
        if (x.device_type == DeviceType.CUDA && x.reshape(x.shape[0], x.shape[1], -1) is var rows
            && FusedRotary.Supports(rows, cos, sin, count, 0, 0))
            return FusedRotary.Split(rows, cos, sin, count, 0, 0).Query;

        var half = x.shape[^1] / 2;
        var (c, s) = (cos.unsqueeze(-2).to(x.dtype), sin.unsqueeze(-2).to(x.dtype)); // [N,1,d/2]
        var (a, b) = (x.narrow(-1, 0, half), x.narrow(-1, half, half));
        return cat([(a * c) - (b * s), (b * c) + (a * s)], -1);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _cos?.Dispose();
        _sin?.Dispose();
    }

    // Doubles, so that decoding token by token seldom comes here. Views of the old tables keep their memory.
    private (Tensor Cos, Tensor Sin) Grow(long rows)
    {
        var have = _cos?.shape[0] ?? 0;
        if (rows > have || _cos is null || _sin is null)
        {
            var (cos, sin) = Table(Math.Min(Math.Max(Math.Max(rows, FewestRows), 2 * have), Positions));
            Dispose();
            (_cos, _sin) = (cos, sin);
        }
        return (_cos, _sin);
    }

    private (Tensor Cos, Tensor Sin) Table(long rows) =>
        _type == ScalarType.Float64 ? Table<double>(rows) : Table<float>(rows);

    private (Tensor Cos, Tensor Sin) Table<T>(long rows) where T : unmanaged, INumberBase<T>
    {
        LibTorch.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var (cos, sin) = Angles.Table<T>(rows);
        Tensor Stored(T[] table) => from_array(table).view(rows, Angles.Pairs).to(_type, _device)
            .DetachFromDisposeScope();
        return (Stored(cos), Stored(sin));
    }
}
