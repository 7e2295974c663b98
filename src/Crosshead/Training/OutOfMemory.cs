using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Crosshead.Training;

/// <summary>Tells a failed allocation of libtorch in the words of a recipe.</summary>
internal static partial class OutOfMemory
{
    /// <summary>The error to show for a failed allocation; null where the failure is another.</summary>
    public static CrossheadException? Translate(ExternalException failure, Recipe recipe)
    {
        var asked = Asked().Match(failure.Message);
        if (!asked.Success) return null;
        var size = asked.Groups["unit"].Value == "bytes"
            ? string.Create(CultureInfo.InvariantCulture, $"{double.Parse(asked.Groups["number"].Value, CultureInfo.InvariantCulture) / (1 << 20):0.#} MiB")
            : $"{asked.Groups["number"].Value} {asked.Groups["unit"].Value}";
        return Error(size, recipe, failure);
    }

    /// <summary>The error to show where a batch of tokens is larger than any array.</summary>
    public static CrossheadException OfBatch(OutOfMemoryException failure, Recipe recipe) =>
        Error(string.Create(CultureInfo.InvariantCulture, $"{2.0 * sizeof(long) * recipe.Training.Batch * recipe.Context / (1 << 20):0.#} MiB"), recipe, failure);

    private static CrossheadException Error(string size, Recipe recipe, Exception failure)
    {
        var training = recipe.Training;
        List<string> remedies =
        [
            $"a smaller training.batch (now {training.Batch}) with a larger training.gradientAccumulation (now {training.GradientAccumulation})",
            $"a shorter data.context (now {recipe.Context})",
        ];
        if (!training.ActivationCheckpointing) remedies.Add("training.activationCheckpointing=true");
        if (training.Dtype is not ("bfloat16" or TrainingPrecision.Auto)) remedies.Add($"training.dtype=bfloat16 (now {training.Dtype})");
        return new CrossheadException($"out of memory: {size} could not be allocated on {training.Device}; use {string.Join(", or ", remedies)}.", failure);
    }

    // CPU: "you tried to allocate 8192 bytes"; CUDA: "Tried to allocate 20.00 MiB".
    [GeneratedRegex(@"tried to allocate (?<number>[\d.]+) (?<unit>\w+)", RegexOptions.IgnoreCase)]
    private static partial Regex Asked();
}
