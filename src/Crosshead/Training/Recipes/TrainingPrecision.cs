using System.Globalization;
using Crosshead.Model;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Training.Recipes;

/// <summary>
/// The precision that a run computes in, and why. <c>auto</c> in a recipe becomes one of them when the run begins.
/// </summary>
/// <param name="Dtype">Its name: <c>float64</c>, <c>float32</c> or <c>bfloat16</c>.</param>
/// <param name="Reason">Why this one, in a few words.</param>
public sealed record TrainingPrecision(string Dtype, string Reason)
{
    /// <summary>
    /// The name in a recipe that leaves the choice to the device: bfloat16 on CUDA; on the processor what multiplies
    /// faster.
    /// </summary>
    public const string Auto = "auto";

    /// <summary>
    /// How many times as fast as float32 bfloat16's products must be to be chosen: its results are coarser, and a close
    /// choice would not be stable.
    /// </summary>
    public const double LeastGain = 1.2;

    // The product that is timed is that of a model, made smaller where it would take long.
    private const long MostWidth = 512, MostRows = 256;

    /// <summary>
    /// The precision of a recipe on a device; measures for <see cref="Auto"/> on the processor, for about a fifth of a
    /// second.
    /// </summary>
    public static TrainingPrecision Of(Recipe recipe, Device device) =>
        recipe.Training.Dtype == Auto ? Choose(device, recipe.Model, recipe.Training.Batch * (long)recipe.Context)
        : new TrainingPrecision(recipe.Training.Dtype, "as the recipe asks");

    /// <summary>What <see cref="Auto"/> stands for on a device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="model">Shape of what is trained.</param>
    /// <param name="tokens">Tokens of a micro-batch.</param>
    public static TrainingPrecision Choose(Device device, ModelOptions model, long tokens)
    {
        if (device.type == DeviceType.CUDA)
            return new TrainingPrecision("bfloat16", "the faster type on a CUDA device");
        var (width, inner) = (Math.Min(model.HiddenSize, MostWidth), Math.Min(model.FeedForward, MostWidth));
        return Of(ProductSpeeds.Measure(device, Math.Min(tokens, MostRows), width, inner));
    }

    /// <summary>The recipe with this precision in place of what it says.</summary>
    public Recipe In(Recipe recipe) => recipe with { Training = recipe.Training with { Dtype = Dtype } };

    /// <summary>The choice and its reason in one line.</summary>
    public override string ToString() => $"{Dtype}: {Reason}";

    /// <summary>The choice that speeds of products lead to.</summary>
    internal static TrainingPrecision Of(ProductSpeeds speeds) => speeds.Gain switch
    {
        >= LeastGain => new("bfloat16", Text($"products {speeds.Gain:0.0} times as fast as float32 on this processor")),
        >= 1 => new("float32", Text(
            $"bfloat16 products are only {speeds.Gain:0.00} times as fast on this processor, for coarser results")),
        _ => new("float32", Text($"bfloat16 products take {1 / speeds.Gain:0.0} times as long on this processor")),
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
