using static TorchSharp.torch;

namespace Crosshead.Training.Steps;

/// <summary>A micro-batch: tokens and, at each place, the token that follows.</summary>
/// <param name="Tokens">[B, N] (int64)</param>
/// <param name="Targets">[B, N] (int64); −100 does not count.</param>
public sealed record TokenBatch(Tensor Tokens, Tensor Targets) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Tokens.Dispose();
        Targets.Dispose();
    }
}
