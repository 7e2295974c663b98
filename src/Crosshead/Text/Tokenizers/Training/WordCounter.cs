using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Text.Tokenizers.Training;

/// <summary>
/// Counts the words of a text as the pre-tokenizer cuts them, on several threads. Counts are summed, so the result does
/// not depend on the number of threads or on their shares of the text.
/// </summary>
internal static class WordCounter
{
    /// <summary>
    /// Longer words (in UTF-16 units) are left out. They are data that was pasted into the text, and never become
    /// tokens. Without them the memory depends only on the vocabulary of the text.
    /// </summary>
    public const int LongestWord = 256;

    private const int BatchCharacters = 1 << 20;

    /// <summary>The words and their counts, in ordinal order.</summary>
    public static List<KeyValuePair<string, long>> Count(
        IEnumerable<string> documents, BpeTrainerOptions options, IProgress<TokenizerTrainingProgress>? progress,
        CancellationToken cancellation)
    {
        var total = new Dictionary<string, long>();
        var read = 0L;
        Parallel.ForEach(
            Partitioner.Create(Batches(documents, options.MaxCharacters), EnumerablePartitionerOptions.NoBuffering),
            new ParallelOptions { MaxDegreeOfParallelism = options.Workers, CancellationToken = cancellation },
            () => new Dictionary<string, long>(),
            (batch, _, counts) =>
            {
                foreach (var text in batch)
                    Count(text, options.Pattern, counts);
                progress?.Report(new(TokenizerTrainingPhase.Counting,
                    Interlocked.Add(ref read, batch.Sum(text => (long)text.Length)), 0));
                return counts;
            },
            counts =>
            {
                lock (total)
                    foreach (var (word, count) in counts)
                        CollectionsMarshal.GetValueRefOrAddDefault(total, word, out _) += count;
            });
        var words = total.ToList();
        words.Sort((a, b) => string.CompareOrdinal(a.Key, b.Key));
        return words;
    }

    private static void Count(string text, PreTokenizerPattern pattern, Dictionary<string, long> counts)
    {
        var lookup = counts.GetAlternateLookup<ReadOnlySpan<char>>();
        var words = new WordEnumerator(text, pattern);
        while (words.MoveNext())
            if (words.Current.Length <= LongestWord)
                CollectionsMarshal.GetValueRefOrAddDefault(lookup, words.Current, out _)++;
    }

    private static IEnumerable<List<string>> Batches(IEnumerable<string> documents, long maxCharacters)
    {
        var batch = new List<string>();
        var (inBatch, left) = (0L, maxCharacters);
        foreach (var document in documents)
        {
            var text = document.Length <= left ? document : document[..(int)left];
            batch.Add(text);
            inBatch += text.Length;
            left -= text.Length;
            if (inBatch >= BatchCharacters || left == 0)
            {
                yield return batch;
                (batch, inBatch) = ([], 0);
            }
            if (left == 0)
                yield break;
        }
        if (batch.Count > 0)
            yield return batch;
    }
}
