using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Text.Tokenizers.Models;

/// <summary>
/// BPE over characters, as Llama 2 and Mistral have it from SentencePiece: a character outside the vocabulary becomes
/// its UTF-8 bytes, <c>&lt;0xE2&gt;</c> and so on, or else the unknown token.
/// </summary>
internal sealed class CharacterModel : ITokenizerModel
{
    /// <summary>What stands for a space, U+2581.</summary>
    public const char SpaceMark = '\u2581';

    private readonly TokenizerDefinition _definition;
    private readonly PairMerger _merger;
    private readonly MergeBoundaries _seams;
    private readonly int[] _byteIds;
    private readonly int _longestToken;
    private readonly ConcurrentBag<WordCache> _caches = [];

    public CharacterModel(TokenizerDefinition definition)
    {
        _definition = definition;
        _merger = new PairMerger(new MergeTable(definition.Merges));
        _seams = new MergeBoundaries(definition);
        _byteIds = definition.Vocabulary.ByteIds(ByteTokenOf);
        _longestToken = definition.IgnoreMerges ? definition.Vocabulary.Model.Keys.Max(token => token.Length) : 0;
    }

    /// <summary>The token for a byte, <c>&lt;0x0A&gt;</c>.</summary>
    public static string ByteTokenOf(byte value) => $"<0x{value:X2}>";

    public void Encode(ReadOnlySpan<char> text, bool first, List<int> ids)
    {
        if (text.IsEmpty)
            return;
        if (!_caches.TryTake(out var cache))
            cache = new WordCache();
        if (_definition.Metaspace is { } metaspace)
            text = metaspace.Apply(text, first);
        while (!text.IsEmpty)
        {
            var end = _definition.Metaspace is { Split: true } split ? text[1..].IndexOf(split.Mark) + 1 : 0;
            var word = end > 0 ? text[..end] : text;
            EncodeWord(word, ids, cache);
            text = text[word.Length..];
        }
        _caches.Add(cache);
    }

    public ITokenDecoder CreateDecoder() => new CharacterDecoder(_definition, _byteIds);

    public ReadOnlySpan<byte> BytesOf(int id)
    {
        if (_definition.Vocabulary.TokenOf(id) is null) return [];
        if (_definition.Decoding.ByteFallback && Array.IndexOf(_byteIds, id) is >= 0 and var value)
            return new[] { (byte)value };
        var piece = _definition.Written(id);
        foreach (var replacement in _definition.Decoding.Replacements)
            piece = replacement.Normalize(piece) ?? piece;
        return Encoding.UTF8.GetBytes(piece);
    }

    private void EncodeWord(ReadOnlySpan<char> word, List<int> ids, WordCache cache)
    {
        if (word.Length <= _longestToken && _definition.Vocabulary.ModelIdOf(word) is { } whole)
        {
            ids.Add(whole);
            return;
        }
        for (var start = 0; start < word.Length;)
        {
            var end = _seams.EndOf(word, start);
            var piece = word[start..end];
            start = end;
            var hash = piece.Length <= WordCache.LongestWord ? WordCache.Hash(piece) : 0;
            if (hash != 0 && cache.TryGet(piece, hash, out var known))
            {
                ids.AddRange(known);
                continue;
            }
            var before = ids.Count;
            Merge(piece, ids);
            if (hash != 0)
                cache.Add(piece, hash, CollectionsMarshal.AsSpan(ids)[before..]);
        }
    }

    private void Merge(ReadOnlySpan<char> piece, List<int> ids)
    {
        var before = ids.Count;
        var unknown = false; // whether the last character was outside the vocabulary
        Span<byte> bytes = stackalloc byte[4];
        foreach (var rune in piece.EnumerateRunes())
        {
            var id = _seams.IdOf(rune);
            if (id >= 0)
                ids.Add(id);
            else if (_definition.ByteFallback)
                foreach (var b in bytes[..rune.EncodeToUtf8(bytes)])
                    ids.Add(_byteIds[b]);
            else if (_definition.UnknownId is { } unknownId && !(unknown && _definition.FuseUnknown))
                ids.Add(unknownId);
            unknown = id < 0;
        }
        CollectionsMarshal.SetCount(ids, before + _merger.Merge(CollectionsMarshal.AsSpan(ids)[before..]));
    }
}
