using Crosshead.Kernels;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Training;

/// <summary>One optimizer step, whole: gradients of the micro-batches, their norm, clipping, AdamW.</summary>
/// <param name="Model">What is trained.</param>
/// <param name="Optimizer">What trains it.</param>
/// <param name="Clip">Most that the norm of all gradients together may be; 0 for no clipping.</param>
public sealed record TrainingStep(LanguageModel Model, AdamW Optimizer, double Clip)
{
    /// <summary>Steps on the mean loss of micro-batches of one size. On the CPU the same inputs give the same bits for the same number of threads.</summary>
    /// <param name="batches">The micro-batches; each is disposed when it has been used.</param>
    /// <param name="learningRate">The rate of this step.</param>
    public StepResult Run(IReadOnlyList<TokenBatch> batches, double learningRate)
    {
        using var scope = NewDisposeScope();
        var loss = AddGradients(batches);
        var norm = GradientNorm();
        // Dividing within AdamW spares a pass over the gradients; not asking whether to clip spares a wait for the device.
        var divisor = Clip > 0 ? (norm / Clip).clamp(min: 1) : ones(1, device: Model.Device);
        Optimizer.Step(learningRate, divisor.to(ScalarType.Float32));
        foreach (var parameter in Model.Parameters) parameter.Value.grad = null;
        using var measured = stack([loss, norm]).cpu(); // the one wait for the device
        return new StepResult(measured[0].item<double>(), measured[1].item<double>());
    }

    // The mean loss (float64, on the device); gradients add up in the parameters.
    private Tensor AddGradients(IReadOnlyList<TokenBatch> batches)
    {
        var sum = zeros([], ScalarType.Float64, Model.Device);
        foreach (var batch in batches)
        {
            using var scope = NewDisposeScope();
            using (batch)
            {
                var loss = Model.Loss(batch.Tokens, batch.Targets) / batches.Count;
                loss.backward();
                GradientNode.RethrowFailure(); // what went wrong in a kernel's backward pass, for lack of memory say
                sum.add_(loss.detach());
            }
        }
        return sum;
    }

    // √(Σ‖g‖²) over all parameters, in float64.
    private Tensor GradientNorm()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var norms = Model.Parameters.Select(p => p.Value.grad).Where(g => g is not null).Select(g => linalg.vector_norm(g!, 2, null!, false));
        return linalg.vector_norm(stack(norms).to(ScalarType.Float64), 2, null!, false).MoveToOuterDisposeScope();
    }
}
