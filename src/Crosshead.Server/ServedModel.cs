using System.Text.Json.Nodes;
using Crosshead.Generation;
using Crosshead.Serving;
using Crosshead.Text.Chat;
using Crosshead.Text.Chat.Answers;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Server;

/// <summary>A loaded model and what a server must know of it.</summary>
public sealed record ServedModel
{
    /// <summary>What computes; the server does not dispose it.</summary>
    public required IEngine Engine { get; init; }

    /// <summary>The model's tokenizer.</summary>
    public required Tokenizer Tokenizer { get; init; }

    /// <summary>The names by which clients may ask for it; the first one is what answers say.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>Number of logits: ids are below it.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The tokens at which the model's texts end.</summary>
    public required IReadOnlyList<int> EndTokens { get; init; }

    /// <summary>The form of its conversations; null if it has none.</summary>
    public ChatTemplate? ChatTemplate { get; init; }

    /// <summary>
    /// Reads the template that a request brings in place of the model's own; null if requests may bring none.
    /// </summary>
    public Func<string, ChatTemplate>? RequestTemplate { get; init; }

    /// <summary>How it marks thoughts and tool calls in its answers.</summary>
    public AnswerFormat AnswerFormat { get; init; } = AnswerFormat.Plain;

    /// <summary>Where the model was loaded from.</summary>
    public string Root { get; init; } = "";

    /// <summary>How tokens are drawn where a request does not say.</summary>
    public SamplingOptions Defaults { get; init; } = new();

    /// <summary>Further facts for <c>/info</c>, such as the variant, the device and cache bytes per token.</summary>
    public JsonObject Facts { get; init; } = [];

    /// <summary>Number of captured graphs so far; null for a device without graphs.</summary>
    public Func<long>? GraphCaptures { get; init; }
}
