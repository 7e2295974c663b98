namespace Crosshead.Data.Shards;

/// <summary>
/// How a model wrote the text of a data set without input files: everything that determines its tokens.
/// </summary>
public sealed record GeneratedSource
{
    /// <summary>The model directory as it was named.</summary>
    public required string Model { get; init; }

    /// <summary>Hash of its weights.</summary>
    public required string WeightsHash { get; init; }

    /// <summary>Precision it computed in.</summary>
    public required string Dtype { get; init; }

    /// <summary>Tokens asked for.</summary>
    public required long Tokens { get; init; }

    /// <summary>Maximum number of tokens per document.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>Documents written side by side.</summary>
    public required int Batch { get; init; }

    /// <summary>What divided the logits.</summary>
    public required double Temperature { get; init; }

    /// <summary>Number of most likely tokens that were kept; 0 for all.</summary>
    public required int TopK { get; init; }

    /// <summary>Probability that the kept tokens reached together.</summary>
    public required double TopP { get; init; }

    /// <summary>Least probability of a kept token, relative to the most likely one's.</summary>
    public required double MinP { get; init; }

    /// <summary>SHA-256 of the documents' prompts; empty if the prompt was only the begin token.</summary>
    public required string PromptsSha256 { get; init; }

    /// <summary>The first difference of two, or null if both give the same tokens.</summary>
    internal static (string Name, object Here, object There)? Difference(GeneratedSource? here, GeneratedSource? there)
    {
        if (here is null || there is null)
            return (here is null) == (there is null) ? null : ("the text",
                here is null ? "read from files" : "generated", there is null ? "read from files" : "generated");
        (string Name, object Here, object There)[] pairs =
        [
            ("the model's weights", here.WeightsHash, there.WeightsHash),
            ("dtype", here.Dtype, there.Dtype),
            ("tokens", here.Tokens, there.Tokens),
            ("maxTokens", here.MaxTokens, there.MaxTokens),
            ("batch", here.Batch, there.Batch),
            ("temperature", here.Temperature, there.Temperature),
            ("topK", here.TopK, there.TopK),
            ("topP", here.TopP, there.TopP),
            ("minP", here.MinP, there.MinP),
            ("the prompts' hash", here.PromptsSha256, there.PromptsSha256),
        ];
        var different = pairs.FirstOrDefault(pair => !pair.Here.Equals(pair.There));
        return different.Name is null ? null : different;
    }
}
