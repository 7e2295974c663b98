using static TorchSharp.torch;

namespace Crosshead.Runtime;

/// <summary>ATen operators that TorchSharp does not wrap, or wraps without the arguments needed here.</summary>
internal static class Aten
{
    /// <summary>x / rms(x) · weight over the last dimension.</summary>
    /// <param name="input">[…, d]</param>
    /// <param name="weight">[d]</param>
    /// <param name="epsilon">Added to the mean square.</param>
    public static Tensor RmsNorm(Tensor input, Tensor? weight, double epsilon)
    {
        var call = new OperatorCall(stackalloc ulong[4]);
        call.Push(input);
        call.Push([input.shape[^1]]);
        call.PushOptional(weight);
        call.PushOptional(epsilon);
        call.Invoke("aten::rms_norm"u8);
        return call.TakeTensor(0);
    }

    /// <summary>
    /// softmax(query keyᵀ · scale + mask) value with heads grouped: query head i reads key head i div (h/g).
    /// </summary>
    /// <param name="query">[B, h, N, d]</param>
    /// <param name="key">[B, g, T, d]</param>
    /// <param name="value">[B, g, T, d']</param>
    /// <param name="mask">Broadcast to [B, h, N, T]: boolean (true = seen) or added to the scores; null for
    /// none.</param>
    /// <param name="causal">Position n sees positions up to n; only with N = T and no mask.</param>
    /// <param name="scale">Factor of the scores; null for 1/√d.</param>
    public static Tensor ScaledDotProductAttention(Tensor query, Tensor key, Tensor value, Tensor? mask, bool causal,
        double? scale = null)
    {
        var call = new OperatorCall(stackalloc ulong[8]);
        call.Push(query);
        call.Push(key);
        call.Push(value);
        call.PushOptional(mask);
        call.Push(0.0); // dropout
        call.Push(causal);
        call.PushOptional(scale);
        call.Push(query.shape[1] != key.shape[1]); // enable_gqa
        call.Invoke("aten::scaled_dot_product_attention"u8);
        return call.TakeTensor(0);
    }

    /// <summary>
    /// The same by the kernel that needs no preparation for new lengths, on a CUDA device. Other kernels take up to a
    /// second for the first call of each length.
    /// </summary>
    /// <param name="query">[B, h, N, d]</param>
    /// <param name="key">[B, h, T, d]</param>
    /// <param name="value">[B, h, T, d']</param>
    /// <param name="bias">Added to the scores, [B, h, N, T]; rows begin at multiples of 16 bytes. Null for
    /// none.</param>
    /// <param name="causal">Position n sees positions up to n; only with N = T and no bias.</param>
    /// <param name="scale">Factor of the scores.</param>
    public static Tensor EfficientAttention(Tensor query, Tensor key, Tensor value, Tensor? bias, bool causal,
        double scale)
    {
        var call = new OperatorCall(stackalloc ulong[8]);
        call.Push(query);
        call.Push(key);
        call.Push(value);
        call.PushOptional(bias);
        call.Push(false); // compute_log_sumexp
        call.Push(0.0);   // dropout
        call.Push(causal);
        call.PushOptional(scale);
        call.Invoke("aten::_scaled_dot_product_efficient_attention"u8);
        for (var i = 1; i < 4; i++) call.Drop(i); // what a backward pass would need
        return call.TakeTensor(0);
    }

    /// <summary>One AdamW step in place over lists of tensors; each tensor of <paramref name="steps"/> holds the step
    /// number, from 1. Gradients are divided, in place, by the optional float32 scalar
    /// <paramref name="gradientDivisor"/>.</summary>
    public static void FusedAdamW(ReadOnlySpan<Tensor> parameters, ReadOnlySpan<Tensor> gradients,
        ReadOnlySpan<Tensor> firstMoments, ReadOnlySpan<Tensor> secondMoments, ReadOnlySpan<Tensor> steps,
        double learningRate, double beta1, double beta2, double weightDecay, double epsilon,
        Tensor? gradientDivisor = null)
    {
        var call = new OperatorCall(stackalloc ulong[15]);
        call.Push(parameters);
        call.Push(gradients);
        call.Push(firstMoments);
        call.Push(secondMoments);
        call.Push(ReadOnlySpan<Tensor>.Empty); // max_exp_avg_sqs, for amsgrad alone
        call.Push(steps);
        call.Push(learningRate);
        call.Push(beta1);
        call.Push(beta2);
        call.Push(weightDecay);
        call.Push(epsilon);
        call.Push(false); // amsgrad
        call.Push(false); // maximize
        call.PushOptional(gradientDivisor); // grad_scale
        call.PushOptional((Tensor?)null); // found_inf
        call.Invoke("aten::_fused_adamw_"u8);
    }

    /// <summary>
    /// Rows of <paramref name="weight"/> [V, D] at <paramref name="ids"/> […] → […, D]; the fastest form, forward and
    /// backward.
    /// </summary>
    public static Tensor Embedding(Tensor weight, Tensor ids)
    {
        var call = new OperatorCall(stackalloc ulong[5]);
        call.Push(weight);
        call.Push(ids);
        call.Push(-1L); // padding_idx
        call.Push(false); // scale_grad_by_freq
        call.Push(false); // sparse
        call.Invoke("aten::embedding"u8);
        return call.TakeTensor(0);
    }

    /// <summary>The gradient [V, D] of a table from that of its rows.</summary>
    /// <param name="rows">[…, D]</param>
    /// <param name="ids">[…]</param>
    /// <param name="count">Rows of the table V.</param>
    public static Tensor EmbeddingGradient(Tensor rows, Tensor ids, long count)
    {
        var call = new OperatorCall(stackalloc ulong[5]);
        call.Push(rows);
        call.Push(ids);
        call.Push(count);
        call.Push(-1L); // padding_idx
        call.Push(false); // scale_grad_by_freq
        call.Invoke("aten::embedding_dense_backward"u8);
        return call.TakeTensor(0);
    }

    /// <summary>left · right written to <paramref name="product"/>, no gradients.</summary>
    /// <param name="left">[m, k]</param>
    /// <param name="right">[k, n]</param>
    /// <param name="product">[m, n]</param>
    public static void MatMul(Tensor left, Tensor right, Tensor product)
    {
        var call = new OperatorCall(stackalloc ulong[3]);
        call.Push(left);
        call.Push(right);
        call.Push(product);
        call.Invoke("aten::mm"u8, "out"u8);
        call.Drop(0);
    }

    /// <summary>The address of a tensor's first element; valid while the tensor lives.</summary>
    public static nint DataPointer(Tensor tensor)
    {
        if (Native.GetDataPointer(tensor.Handle, out var pointer) != 0)
            throw new InvalidOperationException("the tensor has no storage.");
        return pointer;
    }

    /// <summary>The same; 0 for no tensor.</summary>
    public static nint Address(Tensor? tensor) => tensor is null ? 0 : DataPointer(tensor);
}
