using System.Runtime.CompilerServices;
using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Rotary;

/// <summary>
/// Splits a joint projection into queries, keys and values and rotates queries and keys by their positions (RoPE),
/// in one pass forward and one backward. A head's first half x₁ and second half x₂ become
/// x₁·cos − x₂·sin and x₂·cos + x₁·sin: the layout of Hugging Face's Llama. On a CUDA device the same pass norms
/// queries and keys before.
/// </summary>
internal static unsafe class FusedRotary
{
    /// <summary>Whether <see cref="Split"/> takes these tensors.</summary>
    public static bool Supports(Tensor projected, Tensor cosine, Tensor sine, int queryHeads, int keyHeads,
        int valueHeads, HeadNorms norms = default) =>
        RowKernel.Supports(projected) && projected.dim() == 3
        && queryHeads >= 0 && keyHeads >= 0 && valueHeads >= 0 && queryHeads + keyHeads + valueHeads > 0
        && projected.shape[2] % (queryHeads + keyHeads + valueHeads) == 0
        && projected.shape[2] / (queryHeads + keyHeads + valueHeads) is var width && width % 2 == 0
        && SupportsTable(cosine, projected, queryHeads + keyHeads + valueHeads)
        && SupportsTable(sine, projected, queryHeads + keyHeads + valueHeads) && cosine.dim() == sine.dim()
        && (norms.AreNone || (CanNorm(projected, width) && SupportsNorm(norms.Query, projected, width)
            && SupportsNorm(norms.Key, projected, width)
            && RowSource.Lanes(width, projected, cosine, sine, norms.Query, norms.Key) == RowSource.ManyLanes));

    /// <summary>Whether heads of a width can be normed in the same pass.</summary>
    /// <param name="x">What is projected or was.</param>
    /// <param name="width">d</param>
    public static bool CanNorm(Tensor x, long width) => RowSource.Supports(x) && CudaRotary.CanNorm(width);

    /// <summary>Splits, norms and rotates.</summary>
    /// <param name="projected">[B, N, (h + gk + gv)·d], d even: all query heads, then all key heads, then all value
    /// heads.</param>
    /// <param name="cosine">[N, d/2] or [B, N, d/2], float32, without gradient.</param>
    /// <param name="sine">As <paramref name="cosine"/>.</param>
    /// <param name="queryHeads">h</param>
    /// <param name="keyHeads">gk</param>
    /// <param name="valueHeads">gv, in units of width d.</param>
    /// <param name="norms">What queries and keys are normed by before they are rotated, float32.</param>
    /// <returns>Queries [B, N, h, d], keys [B, N, gk, d], both rotated, and values [B, N, gv, d].</returns>
    public static (Tensor Query, Tensor Key, Tensor Value) Split(Tensor projected, Tensor cosine, Tensor sine,
        int queryHeads, int keyHeads, int valueHeads, HeadNorms norms = default)
    {
        projected = RowKernel.Dense(projected);
        cosine = RowKernel.Dense(cosine);
        sine = RowKernel.Dense(sine);
        var (batch, length) = (projected.shape[0], projected.shape[1]);
        var width = projected.shape[2] / (queryHeads + keyHeads + valueHeads);
        Tensor Heads(int count) => empty([batch, length, count, width], projected.dtype, projected.device);
        var heads = new SplitHeads(Heads(queryHeads), Heads(keyHeads), Heads(valueHeads));
        if (projected.device_type == TorchSharp.DeviceType.CUDA)
            CudaRotary.Split(projected, heads, cosine, sine, norms);
        else Run(projected, heads, cosine, sine, backward: false);
        Tensor[] factors = [.. new[] { norms.Query, norms.Key }.OfType<Tensor>()];
        Tensor[] inputs = [projected, .. factors];
        if (GradientNode.Needed(inputs)) Record(inputs, factors.Length > 0, heads, cosine, sine, norms);
        return (heads.Query, heads.Key, heads.Value);
    }

    // The inputs are what was split and the factors of the norms.
    private static void Record(Tensor[] inputs, bool normed, SplitHeads heads, Tensor cosine, Tensor sine,
        HeadNorms norms)
    {
        var (shape, type, device) = (inputs[0].shape, inputs[0].dtype, inputs[0].device);
        long[][] shapes = [heads.Query.shape, heads.Key.shape, heads.Value.shape];
        var (queries, keys, epsilon) = (norms.Query is not null, norms.Key is not null, norms.Epsilon);
        GradientNode.Record(inputs, [heads.Query, heads.Key, heads.Value],
            normed ? [cosine, sine, .. inputs] : [cosine, sine], (saved, outputs) =>
        {
            var result = empty(shape, type, device);
            Tensor Part(int i) => outputs[i] is { } part ? Aligned(RowKernel.Dense(part))
                : zeros(shapes[i], type, device);
            var gradients = new SplitHeads(Part(0), Part(1), Part(2));
            if (device.type == TorchSharp.DeviceType.CPU)
            {
                Run(result, gradients, saved[0], saved[1], backward: true);
                return [result];
            }
            var own = new HeadNorms(queries ? saved[3] : null, keys ? saved[^1] : null, epsilon);
            var ofFactors = CudaRotary.Join(normed ? saved[2] : null, result, gradients, saved[0], saved[1], own);
            Tensor?[] all = [result, queries ? ofFactors![0] : null, keys ? ofFactors![1] : null];
            return [.. all.OfType<Tensor>()];
        });
    }

    private static bool SupportsNorm(Tensor? factors, Tensor projected, long width) => factors is null
        || (factors.device_type == projected.device_type && factors.dtype == ScalarType.Float32
            && factors.is_contiguous() && factors.dim() == 1 && factors.shape[0] == width);

    // Heads are normed many lanes at once, so they must lie on 16 bytes.
    private static Tensor Aligned(Tensor gradient) =>
        RowSource.Lanes(RowSource.ManyLanes, gradient) == RowSource.ManyLanes ? gradient : gradient.clone();

    private static bool SupportsTable(Tensor table, Tensor projected, int heads) =>
        table.device_type == projected.device_type && table.dtype == ScalarType.Float32 && !table.requires_grad
        && table.dim() is 2 or 3 && table.shape[^1] == projected.shape[2] / heads / 2
        && table.shape[^2] == projected.shape[1] && (table.dim() == 2 || table.shape[0] == projected.shape[0]);

    private static void Run(Tensor joint, SplitHeads heads, Tensor cosine, Tensor sine, bool backward)
    {
        var (query, key, value) = heads;
        var context = new Context
        {
            Joint = (void*)Aten.DataPointer(joint),
            Query = (void*)Aten.DataPointer(query),
            Key = (void*)Aten.DataPointer(key),
            Value = (void*)Aten.DataPointer(value),
            Cosine = (Float32Element*)Aten.DataPointer(cosine),
            Sine = (Float32Element*)Aten.DataPointer(sine),
            QueryHeads = (int)query.shape[2],
            KeyHeads = (int)key.shape[2],
            ValueHeads = (int)value.shape[2],
            Half = (int)cosine.shape[^1],
            TableRows = cosine.numel() / Math.Max(1, cosine.shape[^1]),
            Backward = backward,
        };
        var rows = joint.shape[0] * joint.shape[1];
        var grain = RowKernel.Grain(joint.shape[2] * 8);
        if (joint.dtype == ScalarType.BFloat16) CpuParallel.For(rows, grain, ref context, &Rows<BFloat16Element>);
        else CpuParallel.For(rows, grain, ref context, &Rows<Float32Element>);
        foreach (var tensor in new[] { joint, query, key, value, cosine, sine }) GC.KeepAlive(tensor);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows<T>(Context* context, long begin, long end) where T : unmanaged, IElement<T>
    {
        var (queries, keys, values, half) = (context->QueryHeads, context->KeyHeads,
            context->ValueHeads, context->Half);
        var width = 2 * half;
        for (var row = begin; row < end; row++)
        {
            var joint = (T*)context->Joint + row * (queries + keys + values) * width;
            var query = (T*)context->Query + row * queries * width;
            var key = (T*)context->Key + row * keys * width;
            var value = (T*)context->Value + row * values * width;
            var cosine = context->Cosine + row % context->TableRows * half;
            var sine = context->Sine + row % context->TableRows * half;
            if (context->Backward)
            {
                // The inverse of a rotation is its transpose, which is what takes gradients back.
                Rotate(query, joint, queries, half, cosine, sine, -1);
                Rotate(key, joint + queries * width, keys, half, cosine, sine, -1);
                Copy(value, joint + (queries + keys) * width, values * width);
            }
            else
            {
                Rotate(joint, query, queries, half, cosine, sine, 1);
                Rotate(joint + queries * width, key, keys, half, cosine, sine, 1);
                Copy(joint + (queries + keys) * width, value, values * width);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rotate<T>(T* source, T* target, int heads, int half, Float32Element* cosines,
        Float32Element* sines, float direction) where T : unmanaged, IElement<T>
    {
        for (var i = 0; i < half; i += Lanes.Count)
        {
            var cosine = Lanes.Load(cosines, i, half);
            var sine = Lanes.Load(sines, i, half) * direction;
            for (var head = 0; head < heads; head++)
            {
                var offset = head * 2 * half;
                var first = Lanes.Load(source + offset, i, half);
                var second = Lanes.Load(source + offset + half, i, half);
                Lanes.Store(target + offset, i, half, first * cosine - second * sine);
                Lanes.Store(target + offset + half, i, half, second * cosine + first * sine);
            }
        }
    }

    private static void Copy<T>(T* source, T* target, int count) where T : unmanaged =>
        Buffer.MemoryCopy(source, target, (long)count * sizeof(T), (long)count * sizeof(T));

    private struct Context
    {
        public void* Joint;
        public void* Query;
        public void* Key;
        public void* Value;
        public Float32Element* Cosine;
        public Float32Element* Sine;
        public int QueryHeads;
        public int KeyHeads;
        public int ValueHeads;
        public int Half;
        public long TableRows;
        public bool Backward;
    }
}
