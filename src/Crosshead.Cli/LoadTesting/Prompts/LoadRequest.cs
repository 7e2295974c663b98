namespace Crosshead.Cli.LoadTesting.Prompts;

/// <summary>A request of a load test.</summary>
internal sealed record LoadRequest
{
    /// <summary>The prompt as token ids; null if the prompt is text.</summary>
    public int[]? Ids { get; init; }

    /// <summary>The prompt as text; null if the prompt is ids.</summary>
    public string? Text { get; init; }

    /// <summary>Tokens of the prompt by the client's count; null if unknown.</summary>
    public int? PromptTokens { get; init; }

    /// <summary>Most tokens of the answer.</summary>
    public required int OutputTokens { get; init; }

    /// <summary>Whether the request is sent only when all others have answered with some text or ended.</summary>
    public bool IsLong { get; init; }
}
