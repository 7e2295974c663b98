using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Text.Tokenizers.Models;

/// <summary>
/// SentencePiece's models over characters: BPE, as in Llama 2 and Mistral, or a unigram model. A character outside the
/// vocabulary becomes its UTF-8 bytes, <c>&lt;0xE2&gt;</c> and so on, or else the unknown token.
/// </summary>
internal sealed class CharacterModel : ITokenizerModel
{
    /// <summary>What stands for a space, U+2581.</summary>
    public const char SpaceMark = '\u2581';

    private readonly TokenizerDefinition _definition;
    private readonly PairMerger _merger;
    private readonly MergeBoundaries _seams;
    private readonly UnigramLattice? _unigram;
    private readonly int[] _byteIds;
    private readonly int _longestToken;
    private readonly ConcurrentBag<WordCache> _caches = [];

    public CharacterModel(TokenizerDefinition definition)
    {
        _definition = definition;
        _merger = new PairMerger(new MergeTable(definition.Merges));
        _seams = new MergeBoundaries(definition);
        _byteIds = definition.Vocabulary.ByteIds(ByteTokenOf);
        _unigram = definition.Scores is null ? null : new UnigramLattice(definition, _byteIds);
        _longestToken = definition.IgnoreMerges ? definition.Vocabulary.Model.Max(token => token.Key.Length) : 0;
    }

    /// <summary>The token for a byte, <c>&lt;0x0A&gt;</c>.</summary>
    public static string ByteTokenOf(byte value) => $"<0x{value:X2}>";

    public void Encode(ReadOnlySpan<char> text, bool first, List<int> ids)
    {
        if (!_caches.TryTake(out var cache))
            cache = new WordCache();
        if (_definition.Splits.Count == 0)
            EncodePiece(text, first, ids, cache);
        else
            foreach (var (start, end) in TextSplit.Cut(text, _definition.Splits))
                EncodePiece(text[start..end], first && start == 0, ids, cache);
        _caches.Add(cache);
    }

    private void EncodePiece(ReadOnlySpan<char> text, bool first, List<int> ids, WordCache cache)
    {
        if (text.IsEmpty)
            return;
        if (_definition.Metaspace is { } metaspace)
            text = metaspace.Apply(text, first);
        while (!text.IsEmpty)
        {
            var end = _definition.Metaspace is { Split: true } split ? text[1..].IndexOf(split.Mark) + 1 : 0;
            var word = end > 0 ? text[..end] : text;
            EncodeWord(word, ids, cache);
            text = text[word.Length..];
        }
    }

    public ITokenDecoder CreateDecoder() => new CharacterDecoder(_definition, _byteIds);

    public ReadOnlySpan<byte> BytesOf(int id)
    {
        if (!_definition.Vocabulary.Has(id)) return [];
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
            var end = _unigram is null ? _seams.EndOf(word, start) : word.Length;
            var piece = word[start..end];
            start = end;
            var hash = piece.Length <= WordCache.LongestWord ? WordCache.Hash(piece) : 0;
            if (hash != 0 && cache.TryGet(piece, hash, out var known))
            {
                ids.AddRange(known);
                continue;
            }
            var before = ids.Count;
            if (_unigram is null) Merge(piece, ids);
            else _unigram.Encode(Valid(piece), ids);
            if (hash != 0)
                cache.Add(piece, hash, CollectionsMarshal.AsSpan(ids)[before..]);
        }
    }

    private void Merge(ReadOnlySpan<char> piece, List<int> ids)
    {
        var before = ids.Count;
        var unknown = false; // whether a token for characters outside the vocabulary is to be written
        Span<byte> bytes = stackalloc byte[4];
        foreach (var rune in piece.EnumerateRunes())
        {
            var id = _seams.IdOf(rune);
            if (id >= 0)
            {
                WriteUnknown(ref unknown, ids);
                ids.Add(id);
            }
            // As in Hugging Face's tokenizers, bytes come before the unknown characters that stand before them.
            else if (_definition.ByteFallback && HasTokens(bytes[..rune.EncodeToUtf8(bytes)]))
                foreach (var b in bytes[..rune.Utf8SequenceLength])
                    ids.Add(_byteIds[b]);
            else
            {
                if (!_definition.FuseUnknown) WriteUnknown(ref unknown, ids);
                unknown = true;
            }
        }
        WriteUnknown(ref unknown, ids);
        CollectionsMarshal.SetCount(ids, before + _merger.Merge(CollectionsMarshal.AsSpan(ids)[before..]));
    }
    // With U+FFFD in place of halves of surrogate pairs, as in UTF-8.
    private static ReadOnlySpan<char> Valid(ReadOnlySpan<char> text) =>
        text.ContainsAnyInRange('\uD800', '\uDFFF')
        ? string.Concat(text.ToString().EnumerateRunes().Select(rune => rune.ToString())) : text;

    private void WriteUnknown(ref bool unknown, List<int> ids)
    {
        if (unknown && _definition.UnknownId is { } id) ids.Add(id);
        unknown = false;
    }

    private bool HasTokens(ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes)
            if (_byteIds[b] < 0) return false;
        return true;
    }
}
