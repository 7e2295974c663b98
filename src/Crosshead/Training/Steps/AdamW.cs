using Crosshead.Kernels.Optimizer;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Training.Steps;

/// <summary>
/// AdamW (Loshchilov and Hutter, 2019) over the master values, a whole group in one fused call. Moments have the
/// precision of the masters.
/// </summary>
public sealed class AdamW : IDisposable
{
    private readonly IReadOnlyList<SliceGroup> _groups;
    private readonly double _beta1, _beta2, _epsilon;
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
    internal AdamW(IReadOnlyList<SliceGroup> groups, Device device, double beta1, double beta2, double epsilon)
    {
        (_groups, _beta1, _beta2, _epsilon) = (groups, beta1, beta2, epsilon);
        foreach (var slice in Slices)
            _moments.Add(slice.Name, (zeros_like(slice.Value, requires_grad: false).DetachFromDisposeScope(),
                zeros_like(slice.Value, requires_grad: false).DetachFromDisposeScope()));
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
        var all = WithGradients(Slices);
        var norm = Fused(all)
            ? tensor(Math.Sqrt(Kernels.Optimizer.GradientNorm.Squared([.. all.Select(p => p.Gradient)])))
            : linalg.norm(stack(all.Select(p => linalg.norm(p.Gradient))).to(ScalarType.Float64));
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
        Tensor[] values = [.. found.Select(p => p.Value)], gradients = [.. found.Select(p => p.Gradient)];
        Tensor[] firsts = [.. found.Select(p => p.First)], seconds = [.. found.Select(p => p.Second)];
        var rate = learningRate * group.RateFactor;
        if (Fused(found))
            FusedAdamW.Step(values, gradients, firsts, seconds, new AdamWStep(Steps, rate, _beta1, _beta2, _epsilon,
                group.WeightDecay, 1 / gradientDivisor.item<float>()));
        else
            Aten.FusedAdamW(values, gradients, firsts, seconds, [.. found.Select(_ => _step)], rate, _beta1, _beta2,
                group.WeightDecay, _epsilon, gradientDivisor);
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

    private (Tensor Value, Tensor Gradient, Tensor First, Tensor Second)[] WithGradients(
        IEnumerable<OptimizedSlice> slices) =>
    [
        .. slices.Select(p => (p.Value, p.Gradient, Moments: _moments[p.Name]))
            .Where(p => p.Gradient is not null)
            .Select(p => (p.Value, p.Gradient!, p.Moments.First, p.Moments.Second)),
    ];

    // On the CPU in float32 Crosshead has its own kernel; libtorch's kernel does the rest.
    private static bool Fused((Tensor Value, Tensor Gradient, Tensor First, Tensor Second)[] found) =>
        found.All(p => FusedAdamW.Supports(p.Value, p.Gradient));
}
