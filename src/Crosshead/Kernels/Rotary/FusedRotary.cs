using System.Runtime.CompilerServices;
using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Rotary;

/// <summary>
/// Splits a joint projection into queries, keys and values and rotates queries and keys by their positions (RoPE),
/// in one pass forward and one backward. A head's first half x₁ and second half x₂ become
/// x₁·cos − x₂·sin and x₂·cos + x₁·sin: the layout of Hugging Face's Llama.
/// </summary>
internal static unsafe class FusedRotary
{
    /// <summary>Whether <see cref="Split"/> takes these tensors.</summary>
    public static bool Supports(Tensor projected, Tensor cosine, Tensor sine, int queryHeads, int keyHeads,
        int valueHeads) =>
        RowKernel.Supports(projected) && projected.dim() == 3
        && queryHeads >= 0 && keyHeads >= 0 && valueHeads >= 0 && queryHeads + keyHeads + valueHeads > 0
        && projected.shape[2] % (queryHeads + keyHeads + valueHeads) == 0
        && projected.shape[2] / (queryHeads + keyHeads + valueHeads) % 2 == 0
        && SupportsTable(cosine, projected, queryHeads + keyHeads + valueHeads)
        && SupportsTable(sine, projected, queryHeads + keyHeads + valueHeads) && cosine.dim() == sine.dim();

    /// <summary>Splits and rotates.</summary>
    /// <param name="projected">[B, N, (h + gk + gv)·d], d even: all query heads, then all key heads, then all value
    /// heads.</param>
    /// <param name="cosine">[N, d/2] or [B, N, d/2], float32, without gradient.</param>
    /// <param name="sine">As <paramref name="cosine"/>.</param>
    /// <param name="queryHeads">h</param>
    /// <param name="keyHeads">gk</param>
    /// <param name="valueHeads">gv, in units of width d.</param>
    /// <returns>Queries [B, N, h, d], keys [B, N, gk, d], both rotated, and values [B, N, gv, d].</returns>
    public static (Tensor Query, Tensor Key, Tensor Value) Split(Tensor projected, Tensor cosine, Tensor sine,
        int queryHeads, int keyHeads, int valueHeads)
    {
        projected = RowKernel.Dense(projected);
        cosine = RowKernel.Dense(cosine);
        sine = RowKernel.Dense(sine);
        var (batch, length) = (projected.shape[0], projected.shape[1]);
        var width = projected.shape[2] / (queryHeads + keyHeads + valueHeads);
        var query = empty([batch, length, queryHeads, width], projected.dtype, projected.device);
        var key = empty([batch, length, keyHeads, width], projected.dtype, projected.device);
        var value = empty([batch, length, valueHeads, width], projected.dtype, projected.device);
        Run(projected, query, key, value, cosine, sine, backward: false);
        if (GradientNode.Needed(projected))
        {
            var shape = projected.shape;
            var (type, device) = (projected.dtype, projected.device);
            long[][] shapes = [query.shape, key.shape, value.shape];
            GradientNode.Record([projected], [query, key, value], [cosine, sine], (saved, outputs) =>
            {
                var gradient = empty(shape, type, device);
                var parts = new Tensor[3];
                for (var i = 0; i < 3; i++)
                    parts[i] = outputs[i] is { } part ? RowKernel.Dense(part) : zeros(shapes[i], type, device);
                Run(gradient, parts[0], parts[1], parts[2], saved[0], saved[1], backward: true);
                return [gradient];
            });
        }
        return (query, key, value);
    }

    private static bool SupportsTable(Tensor table, Tensor projected, int heads) =>
        table.device_type == projected.device_type && table.dtype == ScalarType.Float32 && !table.requires_grad
        && table.dim() is 2 or 3 && table.shape[^1] == projected.shape[2] / heads / 2
        && table.shape[^2] == projected.shape[1] && (table.dim() == 2 || table.shape[0] == projected.shape[0]);

    private static void Run(Tensor joint, Tensor query, Tensor key, Tensor value, Tensor cosine,
        Tensor sine, bool backward)
    {
        if (joint.device_type == TorchSharp.DeviceType.CUDA)
        {
            CudaRotary.Run(joint, query, key, value, cosine, sine, backward);
            return;
        }
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
