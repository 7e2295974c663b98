using System.Runtime.InteropServices;
using System.Text;

namespace Crosshead.Text.Tokenizers.Training;

/// <summary>
/// Chooses merges. Each merge joins the most frequent pair of neighbours; among equally frequent pairs the smaller left
/// id is first, then the smaller right id. Pair counts are updated as words change, and never counted again.
/// </summary>
internal sealed class MergeLearner
{
    private readonly int[] _symbols;   // the symbols of all words, each word at its start
    private readonly int[] _starts;
    private readonly int[] _lengths;   // shrink as symbols merge
    private readonly long[] _counts;   // how often a word occurs
    private readonly Dictionary<ulong, int> _pairs = [];
    private readonly List<Pair> _pairList = [];
    private readonly PriorityQueue<int, (long NegativeCount, ulong Key)> _queue = new();

    private sealed class Pair(ulong key)
    {
        public readonly ulong Key = key;
        public readonly List<int> Words = []; // words it was seen in; it may have gone from some since
        public long Count;
        public int TouchedIn = -1;            // the merge that last made new occurrences of it
    }

    /// <summary>Splits every word into its bytes; <paramref name="byteIds"/> gives the id of each.</summary>
    public MergeLearner(IReadOnlyList<KeyValuePair<string, long>> words, int[] byteIds)
    {
        _starts = new int[words.Count];
        _lengths = new int[words.Count];
        _counts = new long[words.Count];
        var symbols = new List<int>();
        Span<byte> bytes = stackalloc byte[WordCounter.LongestWord * 3];
        for (var w = 0; w < words.Count; w++)
        {
            (_starts[w], _counts[w]) = (symbols.Count, words[w].Value);
            foreach (var b in bytes[..Encoding.UTF8.GetBytes(words[w].Key, bytes)])
                symbols.Add(byteIds[b]);
            _lengths[w] = symbols.Count - _starts[w];
        }
        _symbols = [.. symbols];
        for (var w = 0; w < words.Count; w++)
            for (var i = 0; i + 1 < _lengths[w]; i++)
                Change(_symbols[_starts[w] + i], _symbols[_starts[w] + i + 1], _counts[w], w);
        foreach (var pair in _pairs.Values)
            Offer(pair);
    }

    /// <summary>The most frequent pair with at least <paramref name="minFrequency"/> occurrences, or null.</summary>
    public (int Left, int Right)? Best(int minFrequency)
    {
        while (_queue.TryDequeue(out var index, out var priority))
        {
            var pair = _pairList[index];
            if (pair.Count != -priority.NegativeCount)
            {
                if (pair.Count >= minFrequency)
                    Offer(index); // it has lost occurrences since it was queued
                continue;
            }
            return pair.Count >= minFrequency ? ((int)(pair.Key >> 32), (int)(uint)pair.Key) : null;
        }
        return null;
    }

    /// <summary>
    /// Replaces the pair by <paramref name="merged"/> in every word; <paramref name="step"/> numbers the merges.
    /// </summary>
    public void Merge(int left, int right, int merged, int step)
    {
        var pair = _pairList[_pairs[Key(left, right)]];
        var touched = new List<int>();
        foreach (var word in CollectionsMarshal.AsSpan(pair.Words))
            MergeWord(word, left, right, merged, step, touched);
        pair.Count = 0;
        pair.Words.Clear();
        pair.Words.TrimExcess();
        foreach (var index in touched)
            Offer(index);
    }

    private void MergeWord(int word, int left, int right, int merged, int step, List<int> touched)
    {
        var symbols = _symbols.AsSpan(_starts[word], _lengths[word]);
        var count = _counts[word];
        var kept = 0;
        for (var i = 0; i < symbols.Length; i++)
        {
            if (i + 1 == symbols.Length || symbols[i] != left || symbols[i + 1] != right)
            {
                symbols[kept++] = symbols[i];
                continue;
            }
            if (kept > 0)
            {
                Change(symbols[kept - 1], left, -count, word);
                Touch(Change(symbols[kept - 1], merged, count, word), step, touched);
            }
            if (i + 2 < symbols.Length)
            {
                Change(right, symbols[i + 2], -count, word);
                Touch(Change(merged, symbols[i + 2], count, word), step, touched);
            }
            symbols[kept++] = merged;
            i++;
        }
        _lengths[word] = kept;
    }

    private void Touch(int index, int step, List<int> touched)
    {
        if (_pairList[index].TouchedIn == step)
            return;
        _pairList[index].TouchedIn = step;
        touched.Add(index);
    }

    private int Change(int left, int right, long count, int word)
    {
        ref var index = ref CollectionsMarshal.GetValueRefOrAddDefault(_pairs, Key(left, right), out var known);
        if (!known)
        {
            index = _pairList.Count;
            _pairList.Add(new Pair(Key(left, right)));
        }
        var pair = _pairList[index];
        pair.Count += count;
        if (count > 0 && (pair.Words.Count == 0 || pair.Words[^1] != word))
            pair.Words.Add(word);
        return index;
    }

    private void Offer(int index) => _queue.Enqueue(index, (-_pairList[index].Count, _pairList[index].Key));

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;
}
