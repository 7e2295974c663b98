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
    /// <summary>Refuses a run whose model alone needs more than the machine has.</summary>
    /// <param name="recipe">The run.</param>
    /// <param name="device">Its device. The limit of a device with its own memory is found by allocating.</param>
    /// <param name="ranks">Number of ranks.</param>
    /// <exception cref="DeviceMemoryException">The model needs more; the message names the size and how to reduce
    /// it.</exception>
    public static void Require(Recipe recipe, Device device, int ranks)
    {
        if (device.type == DeviceType.CPU && ModelBytes(recipe, ranks).Bytes > MemoryLimit.Bytes)
            throw new DeviceMemoryException($"out of memory: {ModelText(recipe, ranks)}, this process can "
                + $"have {Quantity.Bytes(MemoryLimit.Bytes)} at most; {SmallerModel(recipe)}.");
    }

    /// <summary>The error to show for a failed allocation; null for any other failure.</summary>
    /// <param name="failure">The failure.</param>
    /// <param name="recipe">The run.</param>
    /// <param name="ranks">Number of ranks.</param>
    /// <param name="inSteps">Whether it happened during the steps, and not while the model was created.</param>
    public static DeviceMemoryException? Translate(ExternalException failure, Recipe recipe, int ranks, bool inSteps)
    {
        if (OutOfMemory.In(failure)?.Size is not { } size) return null;
        if (inSteps) return Error(size, recipe, ranks, failure);
        string[] remedies = [SmallerModel(recipe), .. MoreShared(recipe, ranks)];
        return new DeviceMemoryException($"out of memory: {size} could not be allocated on {recipe.Training.Device}; "
            + $"{ModelText(recipe, ranks)}; {string.Join(", or ", remedies)}.", failure);
    }

    /// <summary>The error to show if a batch of tokens is larger than any array.</summary>
    public static DeviceMemoryException OfBatch(OutOfMemoryException failure, Recipe recipe, int ranks) =>
        Error(Quantity.Bytes(2.0 * sizeof(long) * recipe.Training.Batch * recipe.Context), recipe, ranks, failure);

    // The least memory of the model on a rank: only the weights of parameters that are not trained.
    private static (long Parameters, double Bytes) ModelBytes(Recipe recipe, int ranks)
    {
        var (parameters, training) = (ModelCost.Of(recipe.Model).Parameters, recipe.Training);
        double master = training.Dtype == Precision.NameOf(ScalarType.Float64) ? sizeof(double) : sizeof(float);
        // Where it is not known yet, the shorter one.
        var value = training.Dtype is "bfloat16" or TrainingPrecision.Auto ? sizeof(short) : master;
        var moment = training.Moments == MomentPrecision.BFloat16 ? sizeof(short) : master;
        // Sums of gradients, two moments, and master weights that are not the values themselves.
        var stepped = master + (2 * moment) + (value < master ? master : 0);
        var whole = (2 * master) + (2 * moment);
        var each = !TrainsAll(recipe) ? master : ranks == 1 ? whole : training.Shard switch
        {
            ShardStage.None => whole,
            ShardStage.Optimizer => (2 * value) + (stepped / ranks),
            ShardStage.Gradients => value + (stepped / ranks),
            _ => (value + stepped) / ranks,
        };
        return (parameters, parameters * each);
    }

    private static bool TrainsAll(Recipe recipe) => recipe.Training.Trainable.Contains(TrainablePart.All);

    private static string ModelText(Recipe recipe, int ranks)
    {
        var (parameters, bytes) = ModelBytes(recipe, ranks);
        return $"the model's {Quantity.Count(parameters)} parameters take {Quantity.Bytes(bytes)}"
            + (TrainsAll(recipe) ? " with their gradients and the optimizer's moments" : "")
            + (ranks > 1 ? $" on each of {ranks} ranks" : "");
    }

    private static string[] MoreShared(Recipe recipe, int ranks) => ranks == 1
        || recipe.Training.Shard == ShardStage.Parameters ? []
        : [$"training.shard=parameters (now {$"{recipe.Training.Shard}".ToLowerInvariant()})"];

    private static string SmallerModel(Recipe recipe) =>
        $"use a smaller model.hiddenSize (now {recipe.Model.HiddenSize}), model.feedForwardSize (now "
        + $"{recipe.Model.FeedForward}), model.layers (now {recipe.Model.Layers}) or model.vocabularySize (now "
        + $"{recipe.Model.VocabularySize})";

    private static DeviceMemoryException Error(string size, Recipe recipe, int ranks, Exception failure)
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
        remedies.AddRange(MoreShared(recipe, ranks));
        if (training is { Moments: MomentPrecision.Master } and not { Dtype: "float64" })
            remedies.Add("training.moments=bfloat16 (now master)");
        return new DeviceMemoryException($"out of memory: {size} could not be allocated on {training.Device}; use "
            + $"{string.Join(", or ", remedies)}.", failure);
    }
}
