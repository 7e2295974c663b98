using System.Text.Json;
using Crosshead.Files;

namespace Crosshead.Cli.LoadTesting.Prompts;

/// <summary>
/// The first two turns of the conversations of a ShareGPT file. Kept are pairs with at least 4 tokens each, at most
/// 1024 in the prompt and 2048 together, as in vLLM's benchmark. Prompts are sent as text.
/// </summary>
internal sealed class ShareGptDataset : ILoadDataset
{
    private const int Shortest = 4, LongestPrompt = 1024, Longest = 2048;

    private readonly IReadOnlyList<(string Prompt, string Answer)> _turns;
    private readonly IPromptTokens _tokens;
    private readonly int? _output;

    private ShareGptDataset(IReadOnlyList<(string, string)> turns, IPromptTokens tokens, int? output) =>
        (_turns, _tokens, _output) = (turns, tokens, output);

    /// <inheritdoc/>
    public string Description => "sharegpt: the first two turns of conversations"
        + (_output is null ? "" : $", {_output} tokens out");

    /// <summary>Reads the turns of a file.</summary>
    /// <param name="path">A JSON list of objects with <c>conversations</c>, each a list of objects with
    /// <c>value</c>.</param>
    /// <exception cref="CrossheadException">The file cannot be read, is not JSON of this form, or has no conversation
    /// of two turns.</exception>
    public static IReadOnlyList<(string Prompt, string Answer)> Read(string path)
    {
        if (!File.Exists(path))
            throw new CrossheadException($"the data set \"{path}\" {InputFile.Absence(path)}; name a ShareGPT "
                + "file in JSON.");
        try
        {
            using var file = InputFile.Open(path);
            using var document = JsonDocument.Parse(file);
            (string, string)[] turns = [.. document.RootElement.EnumerateArray().Select(FirstTurns).OfType<(string,
                string)>()];
            return turns.Length > 0 ? turns
                : throw new CrossheadException($"\"{path}\" has no conversation of two turns; name a ShareGPT file.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new CrossheadException($"\"{path}\" is no JSON list of conversations, each a list of objects with "
                + $"\"value\"; name a ShareGPT file.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"the data set \"{path}\" cannot be read: {e.Reason()}; make it "
                + "readable, or name another file.", e);
        }
    }

    /// <summary>Makes the data set.</summary>
    /// <param name="turns">The first two turns of each conversation.</param>
    /// <param name="tokens">Counts tokens.</param>
    /// <param name="output">Tokens of every answer; null for as many as the answer in the file.</param>
    public static ShareGptDataset Of(IReadOnlyList<(string, string)> turns, IPromptTokens tokens, int? output) =>
        new(turns, tokens, output);

    /// <summary>Draws conversations without repetition, until none is left; then repeats them.</summary>
    /// <exception cref="CrossheadException">No conversation has a length that is kept.</exception>
    public IReadOnlyList<LoadRequest> Draw(int count, Random random)
    {
        (string Prompt, string Answer)[] turns = [.. _turns];
        random.Shuffle(turns);
        var drawn = turns.Select(Request).OfType<LoadRequest>().Take(count).ToList();
        if (drawn.Count == 0)
            throw new CrossheadException($"no conversation has turns of at least {Shortest} tokens, at most "
                + $"{LongestPrompt} in the prompt and {Longest} together; name another file.");
        for (var i = 0; drawn.Count < count; i++) drawn.Add(drawn[i]);
        return drawn;
    }

    private static (string, string)? FirstTurns(JsonElement conversation)
    {
        var turns = conversation.GetProperty("conversations");
        return turns.GetArrayLength() < 2 ? null
            : (turns[0].GetProperty("value").GetString() ?? "", turns[1].GetProperty("value").GetString() ?? "");
    }

    private LoadRequest? Request((string Prompt, string Answer) turns)
    {
        // No token has more than a few dozen characters, so very long texts need not be tokenized to be left out.
        if (turns.Prompt.Length > 128 * LongestPrompt) return null;
        var prompt = _tokens.Encode(turns.Prompt).Length;
        var answer = _output ?? _tokens.Encode(turns.Answer).Length;
        return prompt is >= Shortest and <= LongestPrompt && answer >= Shortest && prompt + answer <= Longest
            ? new LoadRequest { Text = turns.Prompt, PromptTokens = prompt, OutputTokens = answer } : null;
    }
}
