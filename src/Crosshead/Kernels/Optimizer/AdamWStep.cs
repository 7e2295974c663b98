namespace Crosshead.Kernels.Optimizer;

/// <summary>The numbers of one AdamW step.</summary>
/// <param name="Step">Number of the step, from 1; corrects the moments' start at 0.</param>
/// <param name="LearningRate">Rate.</param>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the root of the second moment.</param>
/// <param name="WeightDecay">Decay of the parameters, per unit of rate.</param>
/// <param name="GradientScale">Factor of the gradients, from clipping for example.</param>
internal readonly record struct AdamWStep(long Step, double LearningRate, double Beta1, double Beta2, double Epsilon,
    double WeightDecay, double GradientScale = 1);
