using Crosshead.Kernels.Common;
using Crosshead.Kernels.Optimizer;
using Crosshead.Runtime;
using Crosshead.Training.Recipes;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Training.Steps;

/// <summary>
/// AdamW (Loshchilov and Hutter, 2019) over the master values, in one fused pass. Moments have the precision of the
/// masters, or are bfloat16.
/// </summary>
public sealed class AdamW : IDisposable
{
    private readonly IReadOnlyList<SliceGroup> _groups;
    private readonly double _beta1, _beta2, _epsilon;
    private readonly MomentPrecision _precision;
    private readonly Dictionary<string, (Tensor First, Tensor Second)> _moments = [];
    private readonly Tensor _step; // read by the fused kernel on the device

    /// <summary>Creates the optimizer with moments of zero.</summary>
    /// <param name="groups">What to optimize.</param>
    /// <param name="beta1">Decay of the gradient's running mean.</param>
    /// <param name="beta2">Decay of the running mean of its square.</param>
    /// <param name="epsilon">Added to the denominator.</param>
    public AdamW(IReadOnlyList<ParameterGroup> groups, double beta1, double beta2, double epsilon)
        : this([.. groups.Select(SliceGroup.Whole)], groups.SelectMany(g => g.Parameters).First().Value.device, beta1,
            beta2, epsilon)
    {
    }

    /// <summary>Creates the optimizer of a rank with moments of zero.</summary>
    /// <param name="groups">What the rank steps; it may be nothing.</param>
    /// <param name="device">Where it is.</param>
    /// <param name="beta1">Decay of the gradient's running mean.</param>
    /// <param name="beta2">Decay of the running mean of its square.</param>
    /// <param name="epsilon">Added to the denominator.</param>
    /// <param name="moments">Precision of the moments.</param>
    internal AdamW(IReadOnlyList<SliceGroup> groups, Device device, double beta1, double beta2, double epsilon,
        MomentPrecision moments = MomentPrecision.Master)
    {
        (_groups, _beta1, _beta2, _epsilon, _precision) = (groups, beta1, beta2, epsilon, moments);
        if (moments == MomentPrecision.BFloat16 && device.type == DeviceType.CUDA
            && Slices.Any(s => !RowSource.Supports(s.Value)))
            throw new CrossheadException("training.moments=bfloat16 needs a GPU of compute capability 8.0 or later, "
                + "and NVRTC; use training.moments=master.");
        foreach (var slice in Slices) _moments.Add(slice.Name, (Zeros(slice.Value), Zeros(slice.Value)));
        _step = zeros(1, ScalarType.Float32, device).DetachFromDisposeScope();
    }

    /// <summary>Steps taken.</summary>
    public long Steps { get; private set; }

    /// <summary>
    /// The moments by the names they have in a checkpoint: <c>exp_avg.NAME</c> and <c>exp_avg_sq.NAME</c>.
    /// </summary>
    public IEnumerable<KeyValuePair<string, Tensor>> State => _moments.SelectMany(m => new[]
    {
        KeyValuePair.Create(FirstOf(m.Key), m.Value.First),
        KeyValuePair.Create(SecondOf(m.Key), m.Value.Second),
    });

    private IEnumerable<OptimizedSlice> Slices => _groups.SelectMany(g => g.Slices);

    /// <summary>The name in a checkpoint of a parameter's first moment.</summary>
    internal static string FirstOf(string parameter) => $"exp_avg.{parameter}";

    /// <summary>The name in a checkpoint of a parameter's second moment.</summary>
    internal static string SecondOf(string parameter) => $"exp_avg_sq.{parameter}";

    /// <summary>The moments of a slice, by the name of its parameter.</summary>
    internal (Tensor First, Tensor Second) MomentsOf(string parameter) => _moments[parameter];

    /// <summary>Precision of the moments of a master of a type.</summary>
    internal ScalarType TypeOfMoments(ScalarType master) =>
        _precision == MomentPrecision.BFloat16 ? ScalarType.BFloat16 : master;

    /// <summary>Continues from saved moments.</summary>
    /// <param name="steps">Steps taken so far.</param>
    /// <param name="read">Returns a tensor by its name in the checkpoint.</param>
    public void Restore(long steps, Func<string, Tensor> read)
    {
        using var grad = no_grad();
        foreach (var slice in Slices)
        {
            using var scope = NewDisposeScope();
            var (first, second) = _moments[slice.Name];
            first.copy_(slice.PartOf(read(FirstOf(slice.Name))));
            second.copy_(slice.PartOf(read(SecondOf(slice.Name))));
        }
        Steps = steps;
    }

    /// <summary>Norm of all gradients together, if they are whole: a float64 scalar on their device.</summary>
    internal Tensor GradientNorm()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor[] all = [.. WithGradients(Slices).Select(s => s.Gradient!.contiguous())];
        var norm = Slices.All(s => s.Gradient is not { } gradient || FusedAdamW.Supports(s.Value, gradient))
            ? tensor(Math.Sqrt(Kernels.Optimizer.GradientNorm.Squared(all)))
            : Array.TrueForAll(all, BlockSquares.Supports) ? BlockSquares.Of(all).sqrt()
            : linalg.norm(stack(all.Select(g => linalg.norm(g))).to(ScalarType.Float64));
        return norm.MoveToOuterDisposeScope();
    }

    /// <summary>Steps everything that has a gradient.</summary>
    /// <param name="learningRate">The rate of this step.</param>
    /// <param name="gradientDivisor">A float32 scalar on the parameters' device that all gradients are divided by
    /// first.</param>
    public void Step(double learningRate, Tensor gradientDivisor) => Step(learningRate, gradientDivisor, null);

    /// <summary>
    /// The same, which tells of each group when it has been stepped. The last group comes first: it mostly has the
    /// embedding, which the next forward pass begins with.
    /// </summary>
    internal void Step(double learningRate, Tensor gradientDivisor, Action<SliceGroup>? stepped)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using Scalar number = ++Steps;
        _step.fill_(number);
        foreach (var group in _groups.Reverse())
        {
            StepGroup(learningRate, gradientDivisor, group);
            stepped?.Invoke(group);
        }
    }

    private void StepGroup(double learningRate, Tensor gradientDivisor, SliceGroup group)
    {
        var found = WithGradients(group.Slices);
        if (found.Length == 0) return;
        Tensor[] values = [.. found.Select(p => p.Value)], gradients = [.. found.Select(p => p.Gradient!.contiguous())];
        Tensor[] firsts = [.. found.Select(p => _moments[p.Name].First)];
        Tensor[] seconds = [.. found.Select(p => _moments[p.Name].Second)];
        Tensor?[] copies = [.. found.Select(p => p.Copy)];
        var narrow = _precision == MomentPrecision.BFloat16;
        RandomRounding[] roundings = !narrow ? [] : [.. found.Select(p => RandomRounding.Of(p.Name, Steps, p.Start))];
        var numbers = new AdamWStep(Steps, learningRate * group.RateFactor, _beta1, _beta2, _epsilon,
            group.WeightDecay);
        var pairs = values.Zip(gradients);
        if (pairs.All(p => FusedAdamW.Supports(p.First, p.Second))
            || (narrow && values[0].device_type == DeviceType.CPU))
            FusedAdamW.Step(values, gradients, firsts, seconds,
                numbers with { GradientScale = 1 / gradientDivisor.item<float>() }, copies, roundings);
        else if (pairs.All(p => CudaAdamW.Supports(p.First, p.Second)))
            for (var i = 0; i < values.Length; i++)
                CudaAdamW.Step(values[i], gradients[i], firsts[i], seconds[i], numbers, gradientDivisor,
                    narrow ? roundings[i] : default, copies[i]);
        else
        {
            Aten.FusedAdamW(values, gradients, firsts, seconds, [.. found.Select(_ => _step)], numbers.LearningRate,
                _beta1, _beta2, group.WeightDecay, _epsilon, gradientDivisor);
            foreach (var (copy, value) in copies.Zip(values)) copy?.copy_(value);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (first, second) in _moments.Values)
        {
            first.Dispose();
            second.Dispose();
        }
        _step.Dispose();
    }

    private static OptimizedSlice[] WithGradients(IEnumerable<OptimizedSlice> slices) =>
        [.. slices.Where(s => s.Gradient is not null)];

    private Tensor Zeros(Tensor like) => zeros(like.shape, TypeOfMoments(like.dtype), like.device)
        .DetachFromDisposeScope();
}
