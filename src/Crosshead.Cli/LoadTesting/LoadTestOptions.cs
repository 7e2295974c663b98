using Crosshead.Cli.LoadTesting.Measures;
using Crosshead.Cli.LoadTesting.Prompts;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Cli.LoadTesting;

/// <summary>What a load test sends, and when.</summary>
internal sealed record LoadTestOptions
{
    /// <summary>The name of the model; null for the server's first.</summary>
    public string? Model { get; init; }

    /// <summary>The form of requests. The name of the model is filled in later.</summary>
    public required RequestForm Form { get; init; }

    /// <summary>Which requests are sent.</summary>
    public required DatasetOptions Dataset { get; init; }

    /// <summary>The cases.</summary>
    public required IReadOnlyList<LoadCase> Cases { get; init; }

    /// <summary>The service levels of the goodput; null for none.</summary>
    public ServiceLevels? Levels { get; init; }

    /// <summary>The model's tokenizer; null to ask the server.</summary>
    public Tokenizer? Tokenizer { get; init; }

    /// <summary>Chooses prompts and times.</summary>
    public int Seed { get; init; }
}
