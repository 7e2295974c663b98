namespace Crosshead.Kernels.StepAttention;

/// <summary>
/// How the rows of a pass over pages of components are shared out: several rows of a sequence read its heads, which are
/// composed for them, and the others read the components.
/// </summary>
/// <param name="Few">The rows that read components.</param>
/// <param name="Many">The rows that read heads.</param>
internal sealed record ComposedWork(PieceWork Few, ComposedHeads Many);
