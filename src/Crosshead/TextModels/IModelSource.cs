using Crosshead.Model;
using Crosshead.Text.Chat;
using Crosshead.Text.Tokenizers;
using static TorchSharp.torch;

namespace Crosshead.TextModels;

/// <summary>
/// Where a <see cref="TextModel"/> comes from. All that is small is read and checked when the source is opened; weights
/// are read when a model is loaded.
/// </summary>
public interface IModelSource
{
    /// <summary>The path that was opened, as messages and reports show it.</summary>
    string Path { get; }

    /// <summary>The model's shape.</summary>
    ModelOptions Options { get; }

    /// <summary>What is done otherwise than the files seem to ask, one sentence each.</summary>
    IReadOnlyList<string> Remarks { get; }

    /// <summary>The tokenizer that the model was trained with.</summary>
    Tokenizer Tokenizer { get; }

    /// <summary>The tokens at which the model's texts end, any of them; empty where the files name none.</summary>
    IReadOnlyList<int> EndTokens { get; }

    /// <summary>How the model wants conversations written.</summary>
    /// <exception cref="CrossheadException">The model has no chat template, or its template cannot be read.</exception>
    ChatTemplate ChatTemplate { get; }

    /// <summary>
    /// Names the weights: equal for equal weights, wherever they lie. Reads all of them the first time.
    /// </summary>
    /// <exception cref="CrossheadException">The weights cannot be read.</exception>
    string WeightsHash { get; }

    /// <summary>Names the configuration: equal for equal configurations, wherever they lie.</summary>
    string ConfigurationHash { get; }

    /// <summary>Loads the model with weights in master precision, for training or compression.</summary>
    /// <param name="compute">Precision of the computation.</param>
    /// <param name="device">Where to; null for the CPU.</param>
    /// <exception cref="CrossheadException">The weights are damaged.</exception>
    LanguageModel Load(ScalarType compute = ScalarType.Float32, Device? device = null);

    /// <summary>Loads the model for inference alone.</summary>
    /// <param name="type">Precision of weights and computation.</param>
    /// <param name="device">Where to; null for the CPU.</param>
    /// <exception cref="CrossheadException">The weights are damaged.</exception>
    LanguageModel LoadFrozen(ScalarType type = ScalarType.Float32, Device? device = null);
}
