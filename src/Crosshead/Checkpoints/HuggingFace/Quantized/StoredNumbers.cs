using Crosshead.Checkpoints.Safetensors;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>
/// A matrix of numbers in a stored tensor: codes of weights, zero points or scales. Its rows are outputs of a module.
/// </summary>
/// <param name="Entry">The stored tensor.</param>
/// <param name="Rows">Number of rows.</param>
/// <param name="Columns">Number of columns.</param>
internal abstract record StoredNumbers(SafetensorsEntry Entry, long Rows, long Columns)
{
    /// <summary>Name of the type of a number, such as <c>int4</c>.</summary>
    public abstract string TypeName { get; }

    /// <summary>Some of the rows, as float32 [count, columns].</summary>
    public abstract Tensor Read(WeightFiles files, long start, long count);
}
