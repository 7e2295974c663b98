using System.Runtime.InteropServices;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Training.Recipes;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Training.Runs;

/// <summary>Describes a lack of memory in the terms of a recipe.</summary>
internal static class RecipeMemory
{
    private const int Copies = 4; // weight, gradient, and AdamW's two moments

    /// <summary>Refuses a run whose model alone needs more than the machine has.</summary>
    /// <param name="recipe">The run.</param>
    /// <param name="device">Its device. The limit of a device with its own memory is found by allocating.</param>
    /// <exception cref="DeviceMemoryException">The model needs more; the message names the size and how to reduce
    /// it.</exception>
    public static void Require(Recipe recipe, Device device)
    {
        var (parameters, bytes) = ModelBytes(recipe);
        if (device.type == DeviceType.CPU && bytes > MemoryLimit.Bytes)
            throw new DeviceMemoryException($"out of memory: {ModelText(recipe, parameters, bytes)}, this process can "
                + $"have {Quantity.Bytes(MemoryLimit.Bytes)} at most; {SmallerModel(recipe)}.");
    }

    /// <summary>The error to show for a failed allocation; null for any other failure.</summary>
    /// <param name="failure">The failure.</param>
    /// <param name="recipe">The run.</param>
    /// <param name="inSteps">Whether it happened during the steps, and not while the model was created.</param>
    public static DeviceMemoryException? Translate(ExternalException failure, Recipe recipe, bool inSteps)
    {
        if (OutOfMemory.In(failure)?.Size is not { } size) return null;
        if (inSteps) return Error(size, recipe, failure);
        var (parameters, bytes) = ModelBytes(recipe);
        return new DeviceMemoryException($"out of memory: {size} could not be allocated on {recipe.Training.Device}; "
            + $"{ModelText(recipe, parameters, bytes)}; {SmallerModel(recipe)}.", failure);
    }

    /// <summary>The error to show if a batch of tokens is larger than any array.</summary>
    public static DeviceMemoryException OfBatch(OutOfMemoryException failure, Recipe recipe) =>
        Error(Quantity.Bytes(2.0 * sizeof(long) * recipe.Training.Batch * recipe.Context), recipe, failure);

    // The least memory of the model: only the weights of parameters that are not trained.
    private static (long Parameters, double Bytes) ModelBytes(Recipe recipe)
    {
        var parameters = ModelCost.Of(recipe.Model).Parameters;
        // of master weights
        var each = recipe.Training.Dtype == Precision.NameOf(ScalarType.Float64) ? sizeof(double) : sizeof(float);
        return (parameters, (double)parameters * each * (TrainsAll(recipe) ? Copies : 1));
    }

    private static bool TrainsAll(Recipe recipe) => recipe.Training.Trainable.Contains(TrainablePart.All);

    private static string ModelText(Recipe recipe, long parameters, double bytes) =>
        $"the model's {Quantity.Count(parameters)} parameters take "
        + $"{Quantity.Bytes(bytes)}{(TrainsAll(recipe) ? " with their gradients and the optimizer's moments" : "")}";

    private static string SmallerModel(Recipe recipe) =>
        $"use a smaller model.hiddenSize (now {recipe.Model.HiddenSize}), model.feedForwardSize (now "
        + $"{recipe.Model.FeedForward}), model.layers (now {recipe.Model.Layers}) or model.vocabularySize (now "
        + $"{recipe.Model.VocabularySize})";

    private static DeviceMemoryException Error(string size, Recipe recipe, Exception failure)
    {
        var training = recipe.Training;
        List<string> remedies =
        [
            $"a smaller training.batch (now {training.Batch}) with a larger training.gradientAccumulation (now "
                + $"{training.GradientAccumulation})",
            $"a shorter data.context (now {recipe.Context})",
        ];
        if (!training.ActivationCheckpointing) remedies.Add("training.activationCheckpointing=true");
        if (training.Dtype is not ("bfloat16" or TrainingPrecision.Auto))
            remedies.Add($"training.dtype=bfloat16 (now {training.Dtype})");
        return new DeviceMemoryException($"out of memory: {size} could not be allocated on {training.Device}; use "
            + $"{string.Join(", or ", remedies)}.", failure);
    }
}
