using Crosshead.Checkpoints.Gguf;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.HuggingFace.Quantized;
using Crosshead.Model;
using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>The open files of a model's weights, whatever their format.</summary>
internal interface IModelWeights : IDisposable
{
    /// <summary>Opens the weights at a path, and checks the headers of their files.</summary>
    /// <param name="path">A GGUF file, a model directory, or a <c>.safetensors</c> file.</param>
    /// <exception cref="CrossheadException">A file is missing or damaged.</exception>
    static IModelWeights Open(string path) => GgufReader.IsAt(path) ? new GgufWeights(GgufReader.Open(path))
        : GgufFolder.FileIn(path) is { } file ? new GgufWeights(GgufFolder.Open(file), ofFolder: true)
        : FolderWeights.Open(path, Quantizations.In(path), ModelConfig.LayoutIn(path));

    /// <summary>Checks that the files hold the weights of a model. It makes no model and reads no tensor.</summary>
    /// <param name="options">The model's shape, validated.</param>
    /// <exception cref="CrossheadException">A tensor is missing, superfluous, of another shape, or of a type that is
    /// not read.</exception>
    void Check(ModelOptions options);

    /// <summary>
    /// Finds the weights of parameters where they lie in the files. Null for weights that are not computed with where
    /// they lie; <see cref="CopyTo"/> copies these.
    /// </summary>
    /// <param name="options">The model's shape, which was checked.</param>
    /// <param name="device">Where the model computes; null for the CPU.</param>
    Func<string, WeightMatrix?> Stored(ModelOptions options, Device? device);

    /// <summary>
    /// Begins to look for weights that are not finite where they lie in the files, beside what the caller does next.
    /// <see cref="RequireFinite"/> waits for the outcome.
    /// </summary>
    /// <param name="look">How they are looked at.</param>
    void BeginCheck(FirstLook look);

    /// <summary>
    /// Copies the weights that <see cref="Check"/> has accepted into the parameters that do not use them where they
    /// lie. It copies all or nothing, except if a value is not a number.
    /// </summary>
    /// <param name="model">A model of the shape that was checked.</param>
    /// <exception cref="CrossheadException">A head differs from the embedding it is tied to.</exception>
    void CopyTo(LanguageModel model);

    /// <summary>Waits until all weights were looked at, of a model that <see cref="CopyTo"/> has filled.</summary>
    /// <exception cref="CrossheadException">A tensor holds NaN or infinity.</exception>
    void RequireFinite();
}
