namespace Crosshead.Kernels.Optimizer;

/// <summary>The numbers of a step as kernels use them.</summary>
internal readonly struct AdamWNumbers(AdamWStep step)
{
    /// <summary>Factor of the gradients.</summary>
    public readonly float Scale = (float)step.GradientScale;

    /// <summary>What is left of a value after its decay.</summary>
    public readonly float Keep = (float)(1 - (step.LearningRate * step.WeightDecay));

    /// <summary>Decay of the second moment.</summary>
    public readonly float Beta2 = (float)step.Beta2;

    /// <summary>Share of the gradient in the new first moment, and of its square in the second.</summary>
    public readonly float NewFirst = (float)(1 - step.Beta1), NewSecond = (float)(1 - step.Beta2);

    /// <summary>The rate, corrected for the first moment's start at 0.</summary>
    public readonly float StepSize = (float)(step.LearningRate / (1 - Math.Pow(step.Beta1, step.Step)));

    /// <summary>Corrects the root of the second moment for its start at 0.</summary>
    public readonly float RootCorrection = (float)(1 / Math.Sqrt(1 - Math.Pow(step.Beta2, step.Step)));

    /// <summary>Added to the root.</summary>
    public readonly float Epsilon = (float)step.Epsilon;
}
