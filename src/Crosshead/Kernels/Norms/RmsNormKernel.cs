using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Norms;

/// <summary>The loops of <see cref="FusedRmsNorm"/> and <see cref="FusedAddRmsNorm"/>.</summary>
internal static unsafe class RmsNormKernel
{
    /// <summary>
    /// Adds <paramref name="residual"/>, if there is one, and normalises; <paramref name="inverse"/> is 1/rms of each
    /// row.
    /// </summary>
    public static (Tensor? Sum, Tensor Normed) Forward(Tensor? residual, Tensor input, Tensor weight, double epsilon,
        out Tensor inverse)
    {
        if (input.device_type == TorchSharp.DeviceType.CUDA)
            return CudaRmsNorm.Forward(residual, input, weight, epsilon, out inverse);
        input = RowKernel.Dense(input);
        using var weight32 = Float32Of(weight);
        var normed = empty(input.shape, input.dtype);
        var sum = residual is null ? null : empty(input.shape, input.dtype);
        var rows = input.numel() / Math.Max(1, input.shape[^1]);
        inverse = empty([rows], ScalarType.Float32);
        var context = new Context
        {
            Input = (void*)Aten.DataPointer(input),
            Residual = residual is null ? null : (void*)Aten.DataPointer(residual),
            Sum = sum is null ? null : (void*)Aten.DataPointer(sum),
            Output = (void*)Aten.DataPointer(normed),
            Weight = (Float32Element*)Aten.DataPointer(weight32),
            Inverse = (float*)Aten.DataPointer(inverse),
            Width = (int)input.shape[^1],
            WeightRows = weight.dim() == 2 ? weight.shape[0] : 1,
            Epsilon = (float)epsilon,
        };
        var grain = RowKernel.Grain(context.Width * 8L);
        if (input.dtype == ScalarType.BFloat16)
            CpuParallel.For(rows, grain, ref context, &ForwardRows<BFloat16Element>);
        else CpuParallel.For(rows, grain, ref context, &ForwardRows<Float32Element>);
        GC.KeepAlive(residual);
        GC.KeepAlive(input);
        return (sum, normed);
    }

    /// <summary>
    /// Gradients of what was normalised (plus <paramref name="direct"/>, its gradient by other ways) and of the weight.
    /// </summary>
    public static (Tensor Input, Tensor Weight) Backward(Tensor input, Tensor weight, Tensor inverse, Tensor? direct,
        Tensor gradient)
    {
        if (input.device_type == TorchSharp.DeviceType.CUDA)
            return CudaRmsNorm.Backward(input, weight, inverse, direct, gradient);
        using var weight32 = Float32Of(weight);
        gradient = RowKernel.Dense(gradient);
        direct = direct is null ? null : RowKernel.Dense(direct);
        var rows = inverse.numel();
        var result = empty(input.shape, input.dtype);
        var parts = RowKernel.Parts(rows, input.shape[^1] * 12);
        using var partial = zeros([parts, weight.numel()], ScalarType.Float32);
        var context = new Context
        {
            Input = (void*)Aten.DataPointer(input),
            Residual = direct is null ? null : (void*)Aten.DataPointer(direct),
            Gradient = (void*)Aten.DataPointer(gradient),
            Output = (void*)Aten.DataPointer(result),
            Weight = (Float32Element*)Aten.DataPointer(weight32),
            WeightGradient = (Float32Element*)Aten.DataPointer(partial),
            Inverse = (float*)Aten.DataPointer(inverse),
            Width = (int)input.shape[^1],
            WeightRows = weight.dim() == 2 ? weight.shape[0] : 1,
            Rows = rows,
            Parts = parts,
        };
        if (input.dtype == ScalarType.BFloat16) CpuParallel.For(parts, 1, ref context, &BackwardParts<BFloat16Element>);
        else CpuParallel.For(parts, 1, ref context, &BackwardParts<Float32Element>);
        GC.KeepAlive(direct);
        GC.KeepAlive(gradient);
        return (result, RowKernel.Sum(partial, weight.shape, weight.dtype));
    }

    private static Tensor Float32Of(Tensor weight)
    {
        using var plain = weight.detach();
        using var dense = plain.contiguous();
        return dense.to_type(ScalarType.Float32);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardRows<T>(Context* context, long begin, long end) where T : unmanaged, IElement<T>
    {
        var width = context->Width;
        for (var row = begin; row < end; row++)
        {
            var offset = row * width;
            var input = (T*)context->Input + offset;
            var squares = Vector512<float>.Zero;
            if (context->Residual is null)
            {
                for (var i = 0; i < width; i += Lanes.Count)
                {
                    var x = Lanes.Load(input, i, width);
                    squares = Vector512.FusedMultiplyAdd(x, x, squares);
                }
            }
            else
            {
                var residual = (T*)context->Residual + offset;
                var sum = (T*)context->Sum + offset;
                for (var i = 0; i < width; i += Lanes.Count)
                {
                    Lanes.Store(sum, i, width, Lanes.Load(input, i, width) + Lanes.Load(residual, i, width));
                    var x = Lanes.Load(sum, i, width); // as rounded: what the backward pass will see
                    squares = Vector512.FusedMultiplyAdd(x, x, squares);
                }
                input = sum;
            }

            var inverse = 1 / MathF.Sqrt(Vector512.Sum(squares) / width + context->Epsilon);
            context->Inverse[row] = inverse;
            var weight = context->Weight + row % context->WeightRows * width;
            var output = (T*)context->Output + offset;
            for (var i = 0; i < width; i += Lanes.Count)
                Lanes.Store(output, i, width, Lanes.Load(input, i, width) * inverse * Lanes.Load(weight, i, width));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardParts<T>(Context* context, long begin, long end) where T : unmanaged, IElement<T>
    {
        for (var part = begin; part < end; part++)
        {
            var last = RowKernel.Start(context->Rows, context->Parts, part + 1);
            for (var row = RowKernel.Start(context->Rows, context->Parts, part); row < last; row++)
                BackwardRow<T>(context, row, context->WeightGradient + part * context->WeightRows * context->Width);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardRow<T>(Context* context, long row, Float32Element* weightGradients) where T : unmanaged,
        IElement<T>
    {
        var width = context->Width;
        var offset = row * width;
        var input = (T*)context->Input + offset;
        var gradient = (T*)context->Gradient + offset;
        var direct = context->Residual is null ? null : (T*)context->Residual + offset;
        var output = (T*)context->Output + offset;
        var weightRow = row % context->WeightRows * width;
        var weight = context->Weight + weightRow;
        var weightGradient = weightGradients + weightRow;

        var dots = Vector512<float>.Zero; // Σ ∂y·w·x
        for (var i = 0; i < width; i += Lanes.Count)
        {
            var g = Lanes.Load(gradient, i, width) * Lanes.Load(weight, i, width);
            dots = Vector512.FusedMultiplyAdd(g, Lanes.Load(input, i, width), dots);
        }

        var inverse = context->Inverse[row];
        var mean = Vector512.Create(Vector512.Sum(dots) * inverse / width); // of g·x̂
        for (var i = 0; i < width; i += Lanes.Count)
        {
            var y = Lanes.Load(gradient, i, width);
            var normed = Lanes.Load(input, i, width) * inverse;
            var x = (y * Lanes.Load(weight, i, width) - normed * mean) * inverse;
            if (direct is not null) x += Lanes.Load(direct, i, width);
            Lanes.Store(output, i, width, x);
            Lanes.Store(weightGradient, i, width,
                Vector512.FusedMultiplyAdd(y, normed, Lanes.Load(weightGradient, i, width)));
        }
    }

    private struct Context
    {
        public void* Input;
        public void* Residual; // forward: added to the input; backward: added to its gradient
        public void* Sum;
        public void* Gradient;
        public void* Output;
        public Float32Element* Weight;
        public Float32Element* WeightGradient;
        public float* Inverse;
        public int Width;
        public int Parts;
        public long Rows;
        public long WeightRows;
        public float Epsilon;
    }
}
