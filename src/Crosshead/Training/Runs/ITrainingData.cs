using System.Text.Json.Nodes;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Training.Runs;

/// <summary>Where a run's batches come from: training batches in an order that a position describes, and fixed held-out ones.</summary>
internal interface ITrainingData : IDisposable
{
    /// <summary>Tokens the data's tokenizer knows.</summary>
    int VocabularySize { get; }

    /// <summary>Names the contents: data of one hash give the same batches.</summary>
    string Hash { get; }

    /// <summary>Names the tokenizer the data were made with.</summary>
    string TokenizerHash { get; }

    /// <summary>The tokenizer's file, which goes with the model; null for none.</summary>
    string? TokenizerFile { get; }

    /// <summary>Id of the token that ends a document; null for none.</summary>
    int? EndToken { get; }

    /// <summary>Id of the token that begins a document; null for none.</summary>
    int? BeginToken { get; }

    /// <summary>What there is to say about the held-out text, where the loss on it is not what a recipe seems to ask for; else null.</summary>
    string? HeldOutRemark => null;

    /// <summary>The place in the order: batches restored to one place are the same from there on.</summary>
    /// <exception cref="CrossheadException">The place set is none.</exception>
    JsonNode Position { get; set; }

    /// <summary>Sequences from the beginning of the order to <see cref="Position"/>.</summary>
    long Taken { get; }

    /// <summary>The next micro-batch.</summary>
    TokenBatch Next(Device device);

    /// <summary>At most so many held-out micro-batches, the same at every call.</summary>
    IEnumerable<TokenBatch> HeldOut(int most, Device device);
}
