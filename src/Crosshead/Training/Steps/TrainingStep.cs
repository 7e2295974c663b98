using Crosshead.Model;
using Crosshead.Runtime.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Training.Steps;

/// <summary>One optimizer step, whole: gradients of the micro-batches, their norm, clipping, AdamW.</summary>
/// <param name="Model">What is trained.</param>
/// <param name="Optimizer">What trains it.</param>
/// <param name="Clip">Maximum norm of all gradients together; 0 for no clipping.</param>
/// <param name="Distillation">The loss from a teacher; null for the cross-entropy with the text.</param>
public sealed record TrainingStep(LanguageModel Model, AdamW Optimizer, double Clip, Distillation? Distillation = null)
{
    /// <summary>The ranks that take the step together.</summary>
    public DataParallel Ranks { get; init; } = new OneRank(Model, []);

    /// <summary>
    /// Steps on the mean loss of micro-batches of one size. On the CPU the same inputs give the same bits for the same
    /// number of threads.
    /// </summary>
    /// <param name="batches">The micro-batches of this rank; disposed when all have been used.</param>
    /// <param name="learningRate">The rate of this step.</param>
    public StepResult Run(IReadOnlyList<TokenBatch> batches, double learningRate) => Run(batches, learningRate, null);

    /// <summary>The same, with something that the host does while the device computes.</summary>
    internal StepResult Run(IReadOnlyList<TokenBatch> batches, double learningRate, Action? meanwhile)
    {
        using var scope = NewDisposeScope();
        // Scalars have names here, because TorchSharp lets unnamed ones be collected while native code still reads
        // them.
        using Scalar limit = Clip, one = 1;
        var (norm, ofBatches) = Ranks.Measure(AddGradients(batches), Optimizer);
        // The host waits for these alone: while the device still steps, it prepares the next step.
        using var coming = new ComingNumbers(cat([ofBatches.flatten(), norm.reshape(1)]));
        // Dividing within AdamW saves a pass over the gradients; not asking whether to clip saves a wait for the
        // device.
        var divisor = Clip > 0 ? norm.div(limit).clamp(min: one) : ones_like(norm);
        Optimizer.Step(learningRate, divisor.to(ScalarType.Float32), Ranks.HasStepped);
        foreach (var parameter in Model.Parameters) parameter.Gradient = null;
        Ranks.ShareValues(); // the values are on their way from here on
        meanwhile?.Invoke();
        var numbers = coming.Wait(); // the one wait for the device
        double[][] each = [.. numbers[..^1].Chunk(2)]; // the loss, and what is finite if the gradients are
        var loss = each.Aggregate(0.0, (sum, batch) => sum + batch[0]);
        var failed = Array.FindIndex(each, batch => !double.IsFinite(batch[0]));
        if (failed < 0) failed = Array.FindIndex(each, batch => !double.IsFinite(batch[1]));
        return new StepResult(loss, numbers[^1]) { FailedMicroBatch = failed < 0 ? null : failed };
    }

    // The losses' shares of the mean and what tells of the gradients, [own, 2] float64 on the device; gradients add up
    // in the parameters.
    private Tensor AddGradients(IReadOnlyList<TokenBatch> batches)
    {
        var all = Ranks.MicroBatches(batches.Count);
        using Scalar count = all;
        var losses = new List<Tensor>();
        try
        {
            for (var pass = 0; pass < Ranks.Passes(batches.Count, all); pass++)
            {
                using var scope = NewDisposeScope();
                // Maybe the last one again, which does not count.
                var batch = batches[Math.Min(pass, batches.Count - 1)];
                var loss = Ranks.AddGradients(() => (Distillation?.Loss(Model, batch)
                    ?? Model.Loss(batch.Tokens, batch.Targets)).div(count));
                if (pass < batches.Count) losses.Add(loss.MoveToOuterDisposeScope());
            }
        }
        finally
        {
            foreach (var batch in batches) batch.Dispose();
        }
        return losses.Count == 0 ? zeros([0, 2], ScalarType.Float64, Model.Device) : stack(losses);
    }
}
