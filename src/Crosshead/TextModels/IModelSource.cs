using Crosshead.Checkpoints;
using Crosshead.Model;
using Crosshead.Text.Chat;
using Crosshead.Text.Tokenizers;
using static TorchSharp.torch;

namespace Crosshead.TextModels;

/// <summary>
/// The source of a <see cref="TextModel"/>. Small files are read and checked when the source is opened. Weights are
/// read when a model is loaded.
/// </summary>
public interface IModelSource
{
    /// <summary>The path that was opened, as messages and reports show it.</summary>
    string Path { get; }

    /// <summary>The model's shape.</summary>
    ModelOptions Options { get; }

    /// <summary>Differences between the files and what is computed, one sentence each.</summary>
    IReadOnlyList<string> Remarks { get; }

    /// <summary>The tokenizer that the model was trained with.</summary>
    Tokenizer Tokenizer { get; }

    /// <summary>The tokens at which the model's texts end, any of them; empty if the files name none.</summary>
    IReadOnlyList<int> EndTokens { get; }

    /// <summary>The chat template of the model.</summary>
    /// <exception cref="CrossheadException">The model has no chat template, or its template cannot be read.</exception>
    ChatTemplate ChatTemplate { get; }

    /// <summary>
    /// Identifies the weights: equal for equal weights, wherever they are. The first call reads all weights.
    /// </summary>
    /// <exception cref="CrossheadException">The weights cannot be read.</exception>
    string WeightsHash { get; }

    /// <summary>Identifies the configuration: equal for equal configurations, wherever they are.</summary>
    string ConfigurationHash { get; }

    /// <summary>Loads the model with weights in master precision, for training.</summary>
    /// <param name="compute">Precision of the computation.</param>
    /// <param name="device">Device of the model; null for the CPU.</param>
    /// <exception cref="CrossheadException">The weights are damaged.</exception>
    LanguageModel Load(ScalarType compute = ScalarType.Float32, Device? device = null);

    /// <summary>Loads the model for inference only.</summary>
    /// <param name="type">Precision of weights and computation.</param>
    /// <param name="device">Device of the model; null for the CPU.</param>
    /// <exception cref="CrossheadException">The weights are damaged.</exception>
    LanguageModel LoadFrozen(ScalarType type = ScalarType.Float32, Device? device = null);

    /// <summary>
    /// The same for text alone: libtorch is loaded only where decoding needs it. Whoever makes tensors loads it first.
    /// </summary>
    /// <param name="type">Precision of weights and computation.</param>
    /// <param name="device">Device of the model; null for the CPU.</param>
    /// <param name="weights">Receives the weights if they are still looked at: what they are asked for last is
    /// <see cref="IModelWeights.RequireFinite"/>. Null if they are finite.</param>
    internal LanguageModel BeginToDecode(ScalarType type, Device? device, out IModelWeights? weights)
    {
        weights = null;
        return LoadFrozen(type, device);
    }
}
