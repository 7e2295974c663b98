using Crosshead.Files;
using Crosshead.Text.Tokenizers.Definition;
using Crosshead.Text.Tokenizers.Formats;

namespace Crosshead.Text.Tokenizers.Training;

/// <summary>
/// Trains a byte-level BPE vocabulary (Sennrich et al. 2016 over bytes, as GPT-2) and writes it as Hugging Face's
/// tokenizer.json. The same text and options give the same file everywhere. Special tokens come first, then the 256
/// bytes in the order of their characters, then merges by falling count. Among equally frequent pairs the smaller left
/// id is first, then the smaller right id, as in Hugging Face's own trainer.
/// </summary>
public static class BpeTrainer
{
    /// <summary>Trains a tokenizer.</summary>
    /// <param name="documents">The text in pieces that fit in memory. It is read once. Words do not cross
    /// pieces.</param>
    /// <param name="options">Vocabulary size, word pattern and other options.</param>
    /// <param name="progress">Reports about every million characters and every few hundred merges; may be null.</param>
    /// <param name="cancellation">Stops the training.</param>
    /// <returns>The tokenizer. It has fewer tokens than requested if no further pair is frequent enough.</returns>
    /// <exception cref="CrossheadException">An option is out of range, or there is no text.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Tokenizer Train(
        IEnumerable<string> documents, BpeTrainerOptions options,
        IProgress<TokenizerTrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        options.Validate();
        List<KeyValuePair<string, long>> words;
        try
        {
            words = WordCounter.Count(documents, options, progress, cancellation);
        }
        catch (AggregateException e) when (e.InnerExceptions.OfType<CrossheadException>().FirstOrDefault() is { } cause)
        {
            throw new CrossheadException(cause.Message, cause);
        }
        if (words.Count == 0)
            throw new CrossheadException("there is no text to train a tokenizer on: the inputs have no word of up to "
                + $"{WordCounter.LongestWord} characters; name other texts.");

        var tokens = new List<string>(options.SpecialTokens);
        var byteIds = new int[256];
        foreach (var b in Enumerable.Range(0, 256).OrderBy(b => ByteAlphabet.CharacterOf((byte)b)))
        {
            byteIds[b] = tokens.Count;
            tokens.Add(ByteAlphabet.CharacterOf((byte)b).ToString());
        }
        var merges = Learn(words, byteIds, tokens, options, progress, cancellation);
        return new Tokenizer(DefinitionOf(tokens, merges, options), ConfigOf(options));
    }

    private static List<string> Learn(
        List<KeyValuePair<string, long>> words, int[] byteIds, List<string> tokens, BpeTrainerOptions options,
        IProgress<TokenizerTrainingProgress>? progress, CancellationToken cancellation)
    {
        var ids = new Dictionary<string, int>();
        foreach (var id in byteIds)
            ids[tokens[id]] = id;
        var learner = new MergeLearner(words, byteIds);
        var merges = new List<string>();
        while (tokens.Count < options.VocabularySize && learner.Best(options.MinFrequency) is { } pair)
        {
            cancellation.ThrowIfCancellationRequested();
            var token = tokens[pair.Left] + tokens[pair.Right];
            if (options.SpecialTokens.Contains(token))
                continue; // plain text must never become a special token
            if (!ids.TryGetValue(token, out var merged)) // another pair may have made the same token before
            {
                ids[token] = merged = tokens.Count;
                tokens.Add(token);
            }
            learner.Merge(pair.Left, pair.Right, merged, merges.Count);
            merges.Add($"{tokens[pair.Left]} {tokens[pair.Right]}");
            if (merges.Count % 256 == 0)
                progress?.Report(new(TokenizerTrainingPhase.Merging, tokens.Count, options.VocabularySize));
        }
        progress?.Report(new(TokenizerTrainingPhase.Merging, tokens.Count, options.VocabularySize));
        return merges;
    }

    /// <summary>The tokenizer_config.json of a tokenizer that is trained with these options.</summary>
    /// <summary>
    /// Whether an existing tokenizer_config.json equals the one of a tokenizer that is trained with these options.
    /// </summary>
    /// <param name="options">The options.</param>
    /// <param name="path">The file, which exists.</param>
    public static bool SavesSameConfig(BpeTrainerOptions options, string path) =>
        InputFile.ReadBytes(path).AsSpan().SequenceEqual(ConfigOf(options).ToJson());

    internal static TokenizerConfig ConfigOf(BpeTrainerOptions options)
    {
        var end = options.SpecialTokens.Count > 0 ? options.SpecialTokens[0] : null;
        return new TokenizerConfig(end, BosToken: null);
    }

    private static TokenizerDefinition DefinitionOf(List<string> tokens, List<string> merges, BpeTrainerOptions options)
    {
        var added = options.SpecialTokens.Select((content, id) => new AddedToken(id, content, Special: true)).ToList();
        var vocabulary = new Vocabulary(tokens.Select((token, id) => (token, id)).ToDictionary(), added);
        return new TokenizerDefinition
        {
            Vocabulary = vocabulary,
            Merges = [.. merges.Select((merge, index) =>
                VocabularyFile.Merge(merge, vocabulary, index, "the trained tokenizer"))],
            AddedTokens = added,
            ByteLevel = true,
            Pattern = options.Pattern,
        };
    }
}
