using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Text.Tokenizers.Models;

/// <summary>
/// GPT-2's byte-level BPE: text is cut into words, a word's UTF-8 bytes are merged pair by pair. A byte that is not in
/// the vocabulary becomes the unknown token. Without an unknown token it is dropped, as in Hugging Face's tokenizers.
/// </summary>
internal sealed class ByteLevelModel : ITokenizerModel
{
    private readonly TokenizerDefinition _definition;
    private readonly PairMerger _merger;
    private readonly int[] _byteIds;
    private const int GroupIds = 256;

    private readonly byte[]?[]?[] _tokenBytes; // by id in groups, once they were asked for
    private readonly ConcurrentBag<WordCache> _caches = [];

    public ByteLevelModel(TokenizerDefinition definition)
    {
        _definition = definition;
        _merger = new PairMerger(new MergeTable(definition.Merges));
        _byteIds = definition.Vocabulary.ByteIds(b => ByteAlphabet.CharacterOf(b).ToString());
        _tokenBytes = new byte[]?[]?[(definition.Vocabulary.Size + GroupIds - 1) / GroupIds];
    }

    public void Encode(ReadOnlySpan<char> text, bool first, List<int> ids)
    {
        if (!_caches.TryTake(out var cache))
            cache = new WordCache();
        if (_definition.Splits.Count == 0)
            EncodePiece(text, ids, cache);
        else
            foreach (var (start, end) in TextSplit.Cut(text, _definition.Splits))
                EncodePiece(text[start..end], ids, cache);
        _caches.Add(cache);
    }

    public ITokenDecoder CreateDecoder() => new ByteLevelDecoder(this);

    public ReadOnlySpan<byte> BytesOf(int id)
    {
        var group = _tokenBytes[id / GroupIds];
        if (group is null) // whichever thread is first
            group = Interlocked.CompareExchange(ref _tokenBytes[id / GroupIds], new byte[]?[GroupIds], null)
                ?? _tokenBytes[id / GroupIds]!;
        return group[id % GroupIds] ??= BytesFor(id);
    }

    private void EncodePiece(ReadOnlySpan<char> text, List<int> ids, WordCache cache)
    {
        if (_definition.PrefixSpace && !text.IsEmpty && text[0] != ' ')
            text = string.Concat(" ", text);
        var words = new WordEnumerator(text, _definition.Pattern);
        while (words.MoveNext())
        {
            var word = words.Current;
            if (word.Length > WordCache.LongestWord)
            {
                EncodeWord(word, ids);
                continue;
            }
            var hash = WordCache.Hash(word);
            if (cache.TryGet(word, hash, out var known))
            {
                ids.AddRange(known);
                continue;
            }
            var before = ids.Count;
            EncodeWord(word, ids);
            cache.Add(word, hash, CollectionsMarshal.AsSpan(ids)[before..]);
        }
    }

    private byte[] BytesFor(int id)
    {
        var vocabulary = _definition.Vocabulary;
        return vocabulary.TokenOf(id) is not { } token ? []
            : (vocabulary.Added.ContainsKey(id) ? null : ByteAlphabet.BytesOf(token))
                ?? Encoding.UTF8.GetBytes(_definition.Written(id));
    }

    private void EncodeWord(ReadOnlySpan<char> word, List<int> ids)
    {
        var most = Encoding.UTF8.GetMaxByteCount(word.Length);
        var rentedBytes = ArrayPool<byte>.Shared.Rent(most);
        var rentedSymbols = ArrayPool<int>.Shared.Rent(most);
        var bytes = rentedBytes.AsSpan(0, Encoding.UTF8.GetBytes(word, rentedBytes));
        if (_definition.IgnoreMerges && _definition.Vocabulary.ModelIdOf(ByteAlphabet.TokenOf(bytes)) is { } whole)
        {
            ids.Add(whole);
        }
        else
        {
            var (count, unknown) = (0, false);
            foreach (var b in bytes)
            {
                var id = _byteIds[b] >= 0 ? _byteIds[b] : _definition.UnknownId ?? -1;
                if (id >= 0 && !(unknown && _byteIds[b] < 0 && _definition.FuseUnknown))
                    rentedSymbols[count++] = id;
                unknown = _byteIds[b] < 0;
            }
            ids.AddRange(rentedSymbols.AsSpan(0, _merger.Merge(rentedSymbols.AsSpan(0, count))));
        }
        ArrayPool<int>.Shared.Return(rentedSymbols);
        ArrayPool<byte>.Shared.Return(rentedBytes);
    }
}
