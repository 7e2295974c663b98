using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Compression;

/// <summary>Measures the mean cross-entropy of a model on windows of text, in nats per token.</summary>
public static class WindowLoss
{
    /// <summary>Returns the mean loss of a model on the windows, in nats per token.</summary>
    /// <param name="model">The model.</param>
    /// <param name="windows">The text. All tokens of a window but the first are predicted.</param>
    /// <param name="batch">Number of windows computed at once.</param>
    /// <param name="progress">Called with the number of finished windows.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public static double Measure(LanguageModel model, TokenWindows windows, int batch, IProgress<long>? progress = null,
        CancellationToken cancellation = default)
    {
        using var grad = no_grad();
        var (sum, done) = (0.0, 0L);
        foreach (var ids in windows.Batches(batch, model.Device))
        {
            using var scope = NewDisposeScope();
            using (ids)
            {
                cancellation.ThrowIfCancellationRequested();
                var count = ids.shape[0];
                var (inputs, targets) = Split(ids);
                sum += count * model.Loss(inputs, targets).to(ScalarType.Float64).item<double>();
                progress?.Report(done += count);
            }
        }
        return sum / windows.Count;
    }

    /// <summary>Splits windows into inputs and targets: [B, T] → both [B, T − 1].</summary>
    internal static (Tensor Inputs, Tensor Targets) Split(Tensor ids)
    {
        var length = ids.shape[1] - 1;
        return (ids.narrow(1, 0, length).contiguous(), ids.narrow(1, 1, length).contiguous());
    }
}
