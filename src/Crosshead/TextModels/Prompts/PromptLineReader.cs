using System.Text;
using System.Text.Json;
using Crosshead.Files;
using Crosshead.Generation;
using Crosshead.Text.Chat;

namespace Crosshead.TextModels.Prompts;

/// <summary>Reads lines of a file of prompts, and refuses those that cannot be continued.</summary>
/// <param name="source">The model that is to continue them.</param>
/// <param name="options">How, where a line does not say.</param>
/// <param name="name">What messages call the file.</param>
internal sealed class PromptLineReader(IModelSource source, GenerationOptions options, string name)
{
    /// <summary>A line, for messages.</summary>
    public const string Example = "{\"prompt\": \"Once upon a time\"}";

    /// <summary>The keys that are no options.</summary>
    public static IReadOnlyList<string> Names { get; } = ["id", "prompt", "text", "messages"];

    private static readonly string[] s_prompts = ["prompt", "text", "messages"];
    private static readonly string[] s_keys =
        [.. Names, "max_tokens", "temperature", "top_k", "top_p", "min_p", "seed", "stop"];

    private readonly TokenizerCodec _codec = new(source.Tokenizer);

    /// <summary>Reads a line.</summary>
    /// <param name="line">The line, with or without its end.</param>
    /// <param name="number">Its number, from 1.</param>
    /// <exception cref="CrossheadException">It cannot be used; the message says where it is.</exception>
    public PromptLine Read(ReadOnlySpan<byte> line, long number)
    {
        var place = $"{name}, line {number}";
        line = line.Trim(" \t\r\n"u8);
        if (line.IsEmpty)
            throw new CrossheadException($"{place} is blank; remove it: each line is an object such as {Example}.");
        var json = line.ToArray();
        try
        {
            return StrictJson.Read(json, row => Read(row, number - 1), (reason, _) => new CrossheadException(
                $"{place} ({Encoding.UTF8.GetString(json).Shown()}) is no JSON object: {reason}; write one on each "
                + $"line, such as {Example}."));
        }
        catch (LineException e)
        {
            throw new CrossheadException($"{place}: {e.Message}", e);
        }
    }

    private PromptLine Read(JsonElement row, long index)
    {
        foreach (var member in row.EnumerateObject())
            if (!s_keys.Contains(member.Name))
                throw new LineException($"the key \"{member.Name.Shown()}\" is unknown; "
                    + Suggestion.For(member.Name, s_keys));
        if (s_prompts.Count(key => row.TryGetProperty(key, out _)) != 1)
            throw new LineException($"{row.GetRawText().Shown()} must have one of {string.Join(", ", s_prompts)}; "
                + $"write an object such as {Example}.");
        try
        {
            var (own, tokens) = (Options(row), Prompt(row));
            own.Validate();
            Generator.Require(tokens, source.Options);
            return new PromptLine(index, tokens, own, Given(row, "seed") is not null, AnswerJson.Head(row, index));
        }
        catch (CrossheadException e) when (e is not LineException)
        {
            throw new LineException(e.Message);
        }
    }

    private IReadOnlyList<int> Prompt(JsonElement row)
    {
        if (row.TryGetProperty("messages", out var messages))
        {
            var turns = Messages(messages);
            // The template writes the begin token itself.
            return source.Tokenizer.Encode(source.ChatTemplate.Render(turns, addGenerationPrompt: true),
                addSpecialTokens: false);
        }
        return _codec.Encode(Text(row.TryGetProperty("prompt", out var prompt) ? prompt : row.GetProperty("text"),
            "the prompt"));
    }

    private static List<ChatMessage> Messages(JsonElement messages)
    {
        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
            throw new LineException($"messages ({messages.GetRawText().Shown()}) must be a list such as "
                + "[{\"role\": \"user\", \"content\": \"Hello\"}].");
        return [.. messages.EnumerateArray().Select((message, i) =>
            message.ValueKind == JsonValueKind.Object && message.TryGetProperty("role", out var role)
                && message.TryGetProperty("content", out var content)
            ? new ChatMessage(Text(role, $"messages[{i}].role"), Text(content, $"messages[{i}].content"))
            : throw new LineException($"messages[{i}] ({message.GetRawText().Shown()}) must have a role and a content; "
                + "write an object such as {\"role\": \"user\", \"content\": \"Hello\"}."))];
    }

    private GenerationOptions Options(JsonElement row)
    {
        var sampling = options.Sampling;
        return options with
        {
            MaxTokens = (int?)Whole(row, "max_tokens", int.MaxValue) ?? options.MaxTokens,
            StopStrings = Stop(row) ?? options.StopStrings,
            Sampling = sampling with
            {
                Temperature = Number(row, "temperature") ?? sampling.Temperature,
                TopK = (int?)Whole(row, "top_k", int.MaxValue) ?? sampling.TopK,
                TopP = Number(row, "top_p") ?? sampling.TopP,
                MinP = Number(row, "min_p") ?? sampling.MinP,
                Seed = Whole(row, "seed", long.MaxValue) ?? sampling.Seed,
            },
        };
    }

    private static IReadOnlyList<string>? Stop(JsonElement row) => Given(row, "stop") is not { } stop ? null
        : stop.ValueKind == JsonValueKind.Array ? [.. stop.EnumerateArray().Select((s, i) => Text(s, $"stop[{i}]"))]
        : [Text(stop, "stop")];

    private static JsonElement? Given(JsonElement row, string key) =>
        row.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static double? Number(JsonElement row, string key) => Given(row, key) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) ? number
        : throw new LineException($"{key} ({value.GetRawText().Shown()}) must be a number.");

    private static long? Whole(JsonElement row, string key, long most) => Given(row, key) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= 0 && number <= most
        ? number : throw new LineException(
            $"{key} ({value.GetRawText().Shown()}) must be a whole number from 0 to {most}.");

    private static string Text(JsonElement value, string what) => value.ValueKind == JsonValueKind.String
        ? value.GetString()! : throw new LineException($"{what} ({value.GetRawText().Shown()}) must be a text.");

    // What is wrong with a line, without its place.
    private sealed class LineException(string message) : CrossheadException(message);
}
