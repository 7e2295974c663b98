using Crosshead.Checkpoints.Safetensors;

namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>
/// A way in which a model directory stores quantised weights. It says which stored tensors make a weight, and what its
/// values are.
/// </summary>
internal interface IQuantization
{
    /// <summary>The method and its numbers, such as <c>gptq: 4-bit integers, groups of 128</c>.</summary>
    string Description { get; }

    /// <summary>
    /// What the directory asks to quantise besides the weights, such as <c>activations</c>. It stays unquantised here.
    /// </summary>
    IReadOnlyList<string> Unquantized { get; }

    /// <summary>What stands between the name of a module and those of its tensors.</summary>
    char Separator => '.';

    /// <summary>The weight of a module, or null if the module's weight is not stored quantised.</summary>
    /// <param name="module">The module's stored tensors.</param>
    /// <exception cref="CrossheadException">A tensor is missing, or of another shape or type than the configuration
    /// asks for.</exception>
    StoredWeight? WeightOf(ModuleTensors module);

    /// <summary>Whether a stored tensor serves only a computation that is not done here.</summary>
    /// <param name="tensor">Its name.</param>
    bool IsUnused(string tensor);
}
