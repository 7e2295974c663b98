namespace Crosshead.Kernels.HeadLosses;

/// <summary>
/// What a student's loss is made of, token by token: divergence · T² · KL(teacher ‖ student) at temperature T +
/// crossEntropy · −log softmax(student)[target].
/// </summary>
/// <param name="Divergence">Weight of the divergence from the teacher.</param>
/// <param name="CrossEntropy">Weight of the cross-entropy with the targets.</param>
/// <param name="Temperature">T, which divides the logits of both before the divergence.</param>
internal readonly record struct DistillationTerms(double Divergence, double CrossEntropy, double Temperature)
{
    /// <summary>The cap of the student's logits; null for none.</summary>
    public double? Cap { get; init; }

    /// <summary>The cap of the teacher's logits; null for none.</summary>
    public double? TeacherCap { get; init; }
}
