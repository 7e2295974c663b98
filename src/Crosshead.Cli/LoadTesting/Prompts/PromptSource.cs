namespace Crosshead.Cli.LoadTesting.Prompts;

/// <summary>
/// Makes prompts of a wanted length. With the model's tokens the lengths are exact. Without them a word counts as one
/// token.
/// </summary>
internal sealed class PromptSource
{
    private const int SampleWords = 4096, LongestSample = 1 << 20;

    private readonly bool _asText;
    private readonly int[] _sample;   // the tokens of a text, in order
    private readonly int[] _choices;  // tokens that random prompts have
    private readonly string[] _words; // the words of a text, if the tokens are not known

    /// <summary>Prepares a source.</summary>
    /// <param name="tokens">The model's tokens; null if they are not known.</param>
    /// <param name="asText">Whether prompts are text although the tokens are known, as in chats.</param>
    /// <param name="text">The text that prompts are cut from; null for random words.</param>
    /// <param name="seed">Chooses the random words.</param>
    public PromptSource(IPromptTokens? tokens, bool asText, string? text, int seed)
    {
        (Tokens, _asText) = (tokens, asText);
        text ??= CommonWords.Draw(SampleWords, new Random(seed));
        if (text.Length > LongestSample) text = text[..LongestSample];
        _sample = tokens?.Encode(text) ?? [];
        _choices = tokens is { Vocabulary: { Count: > 0 } all } ? [.. all] : [.. _sample.Distinct()];
        _words = tokens is null ? text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) : [];
        if (_sample.Length + _words.Length == 0)
            throw new CrossheadException("the text for prompts has no words; name another file with --text.");
    }

    /// <summary>The model's tokens; null if they are not known.</summary>
    public IPromptTokens? Tokens { get; }

    /// <summary>A prompt of random tokens, or random words.</summary>
    public LoadRequest Random(int length, int output, Random random) => Tokens is null
        ? Words([.. Enumerable.Range(0, length).Select(_ => _words[random.Next(_words.Length)])], output)
        : Ids([.. Enumerable.Range(0, length).Select(_ => _choices[random.Next(_choices.Length)])], output);

    /// <summary>A prompt that continues the text from a random place, and begins again at its end.</summary>
    public LoadRequest Stretch(int length, int output, Random random) => Tokens is null
        ? Words(Cut(_words, length, random), output) : Ids(Cut(_sample, length, random), output);

    /// <summary>A prompt with the text of two others.</summary>
    public LoadRequest Join(LoadRequest first, LoadRequest second) => first.Ids is { } ids
        ? second with { Ids = [.. ids, .. second.Ids!], PromptTokens = first.PromptTokens + second.PromptTokens }
        : second with { Text = $"{first.Text} {second.Text}", PromptTokens = first.PromptTokens + second.PromptTokens };

    private static T[] Cut<T>(T[] from, int length, Random random)
    {
        var start = random.Next(from.Length);
        return [.. Enumerable.Range(0, length).Select(i => from[(start + i) % from.Length])];
    }

    private LoadRequest Ids(int[] ids, int output) => new()
    {
        Ids = _asText ? null : ids,
        Text = _asText ? Tokens!.Decode(ids) : null,
        PromptTokens = ids.Length,
        OutputTokens = output,
    };

    private static LoadRequest Words(string[] words, int output) =>
        new() { Text = string.Join(' ', words), OutputTokens = output };
}
