using System.Text.Json.Nodes;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Training.Runs;

/// <summary>
/// The source of a run's batches: training batches in an order with positions, and fixed held-out batches.
/// </summary>
internal interface ITrainingData : IDisposable
{
    /// <summary>Tokens the data's tokenizer knows.</summary>
    int VocabularySize { get; }

    /// <summary>Identifies the contents: data with equal hashes give the same batches.</summary>
    string Hash { get; }

    /// <summary>Identifies the tokenizer of the data.</summary>
    string TokenizerHash { get; }

    /// <summary>The tokenizer's file, which goes with the model; null for none.</summary>
    string? TokenizerFile { get; }

    /// <summary>Id of the token that ends a document; null for none.</summary>
    int? EndToken { get; }

    /// <summary>Id of the token that begins a document; null for none.</summary>
    int? BeginToken { get; }

    /// <summary>
    /// A note on the held-out text if its loss is not what the recipe seems to ask for; otherwise null.
    /// </summary>
    string? HeldOutRemark => null;

    /// <summary>The position in the order. From the same position on, the batches are the same.</summary>
    /// <exception cref="CrossheadException">The position does not exist.</exception>
    JsonNode Position { get; set; }

    /// <summary>Sequences from the beginning of the order to <see cref="Position"/>.</summary>
    long Taken { get; }

    /// <summary>The next micro-batch.</summary>
    TokenBatch Next(Device device);

    /// <summary>Passes over the next micro-batch, which another rank reads.</summary>
    void Skip();

    /// <summary>A limited number of held-out micro-batches, the same at every call.</summary>
    IEnumerable<TokenBatch> HeldOut(int most, Device device);
}
