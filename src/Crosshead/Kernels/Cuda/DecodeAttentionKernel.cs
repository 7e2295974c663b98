using System.Collections.Concurrent;
using Crosshead.Runtime.Cuda;

namespace Crosshead.Kernels.Cuda;

/// <summary>The decode kernel ready for some widths on a device: found once, so that a step asks neither compiler nor driver.</summary>
/// <param name="Plan">How it was compiled.</param>
/// <param name="Attend">The kernel over spans.</param>
/// <param name="Join">The kernel that joins them.</param>
/// <param name="Places">Blocks that the device runs at once.</param>
internal sealed record DecodeAttentionKernel(DecodeAttentionPlan Plan, CudaKernel Attend, CudaKernel Join, int Places)
{
    private static readonly Lazy<string> Source = new(() =>
    {
        using var reader = new StreamReader(typeof(DecodeAttentionKernel).Assembly.GetManifestResourceStream("Crosshead.Kernels.Cuda.decode_attention.cu")!);
        return reader.ReadToEnd();
    });

    private static readonly ConcurrentDictionary<(int Device, int KeyWidth, int ValueWidth, int Queries, bool Factors), DecodeAttentionKernel> Known = new();

    /// <summary>The kernel for these widths; compiled on the first call.</summary>
    /// <param name="device">Number of the device, as in <c>cuda:n</c>.</param>
    /// <param name="keyWidth">Width of a key row.</param>
    /// <param name="valueWidth">Width of a value row.</param>
    /// <param name="queries">Queries a row.</param>
    /// <param name="factors">Whether scores have factors.</param>
    /// <exception cref="CrossheadException">The source does not compile, or the device is not to be had.</exception>
    public static DecodeAttentionKernel For(int device, int keyWidth, int valueWidth, int queries, bool factors) =>
        Known.GetOrAdd((device, keyWidth, valueWidth, queries, factors), static key =>
        {
            var plan = DecodeAttentionPlan.For(key.KeyWidth, key.ValueWidth, key.Queries, CudaDevice.Get(key.Device).SharedMemoryPerBlock);
            var defines = plan.Defines(key.Factors);
            var attend = CudaKernel.Load(key.Device, Source.Value, "decode_attention", defines);
            var blocks = Math.Max(1, attend.BlocksPerMultiprocessor(DecodeAttentionPlan.Threads, plan.SharedBytes));
            return new(plan, attend, CudaKernel.Load(key.Device, Source.Value, "join_spans", defines), attend.Device.Multiprocessors * blocks);
        });
}
