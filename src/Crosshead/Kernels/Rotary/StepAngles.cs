using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Rotary;

/// <summary>
/// What a decoding step asks of its positions, by one launch in place of five (<c>step_angles.cu</c>).
/// </summary>
internal static class StepAngles
{
    private const int Threads = 64;

    private static readonly Lazy<string> Source = new(() => KernelText.Read("launches.cuh", "step_angles.cu"));

    /// <summary>Whether <see cref="Of"/> takes these tables.</summary>
    public static bool Supports(Tensor cosine) => RowSource.Supports(cosine) && cosine.dtype == ScalarType.Float32;

    /// <summary>The angles of positions, and how many tokens each sequence sees.</summary>
    /// <param name="cosine">Table of cosines, [rows, d/2] (float32), dense.</param>
    /// <param name="sine">Table of sines, likewise.</param>
    /// <param name="positions">[B] (int64), side by side; those past the table take its last row.</param>
    /// <returns>Cosines and sines [B, d/2], and positions + 1, [B] (int32).</returns>
    public static (Tensor Cosines, Tensor Sines, Tensor Lengths) Of(Tensor cosine, Tensor sine, Tensor positions)
    {
        positions = RowKernel.Dense(positions);
        var (rows, half, batch) = (cosine.shape[0], (int)cosine.shape[1], positions.shape[0]);
        var (cosines, sines) = (empty([batch, half], cosine.dtype, cosine.device),
            empty([batch, half], cosine.dtype, cosine.device));
        var lengths = empty([batch], ScalarType.Int32, cosine.device);
        CudaKernel.Load(cosine.device_index, Source.Value, "step_angles", []).Launch(((int)batch, 1, 1), Threads, 0,
        [
            Aten.DataPointer(cosine), Aten.DataPointer(sine), Aten.DataPointer(positions), rows, half,
            Aten.DataPointer(cosines), Aten.DataPointer(sines), Aten.DataPointer(lengths),
        ], early: true);
        foreach (var tensor in new[] { cosine, sine, positions }) GC.KeepAlive(tensor);
        return (cosines, sines, lengths);
    }
}
