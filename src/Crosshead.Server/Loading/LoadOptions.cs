using Crosshead.Attention.Caches;
using Crosshead.Runtime;
using Crosshead.Serving;
using static TorchSharp.torch;

namespace Crosshead.Server.Loading;

/// <summary>How a model is loaded to be served.</summary>
public sealed record LoadOptions
{
    /// <summary>Default of <see cref="MaxSequences"/>.</summary>
    public const int UsualSequences = 32;

    /// <summary>Device of the model; null for the processor.</summary>
    public Device? Device { get; init; }

    /// <summary>
    /// GPUs that share the model out, <see cref="Device"/> and those that follow it. 1: it is not shared.
    /// </summary>
    public int TensorParallel { get; init; } = 1;

    /// <summary>Precision of weights and computation.</summary>
    public ScalarType Type { get; init; } = ScalarType.Float32;

    /// <summary>How decoding keeps tokens.</summary>
    public CacheOptions Cache { get; init; } = new();

    /// <summary>The coarsest numbers that the CPU rounds activations to.</summary>
    public ActivationType Activations { get; init; } = ActivationTypes.Usual;

    /// <summary>Most answers that are computed side by side.</summary>
    public int MaxSequences { get; init; } = UsualSequences;

    /// <summary>
    /// Bytes for what decoding keeps of tokens, on each GPU; null for what the sequences need at the full context, as
    /// far as half of the free memory goes.
    /// </summary>
    public long? CacheMemory { get; init; }

    /// <summary>
    /// Whether a request with its seed has the same answer to the last bit, whatever is computed beside it and whether
    /// its beginning is found computed. On the CPU it always has; on a GPU it costs speed.
    /// </summary>
    public bool Deterministic { get; init; }

    /// <summary>The limits of the engine.</summary>
    public EngineOptions Engine { get; init; } = new();

    /// <summary>The names by which clients may ask for the model; empty for its folder's name.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>A file with a chat template to use instead of the model's own; null for that one.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>Whether requests may bring a chat template of their own.</summary>
    public bool TakesRequestTemplates { get; init; }

    /// <summary>Whether the sampling that the model's makers state is not used as the default.</summary>
    public bool IgnoresStoredSampling { get; init; }

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="CrossheadException">A value is out of its range, or the device has no such cache.</exception>
    public void Validate()
    {
        Cache.FormatFor(Type, Device);
        Engine.Validate();
        if (TensorParallel < 1)
            throw new CrossheadException($"tensorParallel ({TensorParallel}) is out of range; use at least 1.");
        if (MaxSequences is < 1 or > 4096)
            throw new CrossheadException($"maxSequences ({MaxSequences}) is out of range; use 1 to 4096.");
        if (CacheMemory is < 1)
            throw new CrossheadException($"cacheMemory ({CacheMemory}) is out of range; use at least 1 byte.");
        if (Names.Any(string.IsNullOrWhiteSpace))
            throw new CrossheadException("a name of the model is empty; give it at least one character.");
    }
}
