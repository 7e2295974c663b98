using System.Globalization;
using Crosshead.Model;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Training.Recipes;

/// <summary>
/// The precision that a run computes in, and the reason for it. When a run begins, <c>auto</c> in its recipe is
/// replaced by one of these precisions.
/// </summary>
/// <param name="Dtype">Name of the precision: <c>float64</c>, <c>float32</c> or <c>bfloat16</c>.</param>
/// <param name="Reason">The reason for this precision, in a few words.</param>
public sealed record TrainingPrecision(string Dtype, string Reason)
{
    /// <summary>
    /// The value in a recipe that lets the device decide. On CUDA the choice is bfloat16. On the processor the choice
    /// depends on the measured speed of products.
    /// </summary>
    public const string Auto = "auto";

    /// <summary>
    /// Least speed of bfloat16 products, as a multiple of float32's, for which <see cref="Auto"/> chooses bfloat16. The
    /// value is above 1 because bfloat16 results are coarser, and a close choice would not be stable.
    /// </summary>
    public const double LeastGain = 1.2;

    // The timed product has the size of the model's products, up to these limits, so that timing stays short.
    private const long MostWidth = 512, MostRows = 256;

    /// <summary>
    /// Returns the precision for a recipe on a device. For <see cref="Auto"/> on the processor, the method measures for
    /// about 0.2 s.
    /// </summary>
    public static TrainingPrecision Of(Recipe recipe, Device device) =>
        recipe.Training.Dtype == Auto ? Choose(device, recipe.Model, recipe.Training.Batch * (long)recipe.Context)
        : new TrainingPrecision(recipe.Training.Dtype, "as the recipe asks");

    /// <summary>Returns the precision that <see cref="Auto"/> means on a device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="model">Shape of the trained model.</param>
    /// <param name="tokens">Number of tokens per micro-batch.</param>
    public static TrainingPrecision Choose(Device device, ModelOptions model, long tokens)
    {
        if (device.type == DeviceType.CUDA)
            return new TrainingPrecision("bfloat16", "the faster type on a CUDA device");
        var (width, inner) = (Math.Min(model.HiddenSize, MostWidth), Math.Min(model.FeedForward, MostWidth));
        return Of(ProductSpeeds.Measure(device, Math.Min(tokens, MostRows), width, inner));
    }

    /// <summary>Returns the recipe with this precision in place of its own.</summary>
    public Recipe In(Recipe recipe) => recipe with { Training = recipe.Training with { Dtype = Dtype } };

    /// <summary>The choice and its reason in one line.</summary>
    public override string ToString() => $"{Dtype}: {Reason}";

    /// <summary>Chooses a precision by the measured speed of products.</summary>
    internal static TrainingPrecision Of(ProductSpeeds speeds) => speeds.Gain switch
    {
        >= LeastGain => new("bfloat16", Text($"products {speeds.Gain:0.0} times as fast as float32 on this processor")),
        >= 1 => new("float32", Text(
            $"bfloat16 products are only {speeds.Gain:0.00} times as fast on this processor, for coarser results")),
        _ => new("float32", Text($"bfloat16 products take {1 / speeds.Gain:0.0} times as long on this processor")),
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
