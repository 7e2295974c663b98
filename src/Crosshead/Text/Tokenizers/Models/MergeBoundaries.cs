using System.Buffers;
using System.Text;
using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Text.Tokenizers.Models;

/// <summary>
/// Finds neighbouring characters that merging can never join. A text may be cut between them without changing its
/// tokens. This divides the one long word of a SentencePiece tokenizer into short words that are worth caching.
/// </summary>
internal sealed class MergeBoundaries
{
    private readonly int[] _characterIds = new int[char.MaxValue + 1]; // -1 outside the vocabulary
    private readonly Dictionary<int, int> _furtherIds = [];            // of characters beyond UTF-16's one unit
    private readonly HashSet<ulong> _joins = [];
    private readonly bool _unknownJoins;

    public MergeBoundaries(TokenizerDefinition definition)
    {
        Array.Fill(_characterIds, -1);
        var model = definition.Vocabulary.Model;
        foreach (var (token, id) in model)
        {
            if (token.Length is 0 or > 2 || Rune.DecodeFromUtf16(token, out var rune,
                out var length) != OperationStatus.Done || length != token.Length)
                continue;
            if (rune.IsBmp)
                _characterIds[rune.Value] = id;
            else
                _furtherIds[rune.Value] = id;
        }
        var names = new string?[definition.Vocabulary.Size];
        foreach (var (token, id) in model)
            names[id] = token;
        foreach (var (left, right, _) in definition.Merges)
        {
            Rune.DecodeLastFromUtf16(names[left], out var before, out _);
            Rune.DecodeFromUtf16(names[right], out var after, out _);
            _joins.Add(Key(IdOf(before), IdOf(after)));
        }
        // Bytes and unknown tokens that take part in merges, or unknown characters that vanish and make others
        // neighbours.
        var bytes = definition.Vocabulary.ByteIds(CharacterModel.ByteTokenOf).ToHashSet();
        _unknownJoins = !definition.ByteFallback || bytes.Contains(-1)
            || definition.Merges.Any(merge => bytes.Contains(merge.Left) || bytes.Contains(merge.Right));
    }

    /// <summary>The token of one character, -1 if there is none.</summary>
    public int IdOf(Rune character) =>
        character.IsBmp ? _characterIds[character.Value] : _furtherIds.GetValueOrDefault(character.Value, -1);

    /// <summary>Where the piece that begins at <paramref name="start"/> ends.</summary>
    public int EndOf(ReadOnlySpan<char> text, int start)
    {
        Rune.DecodeFromUtf16(text[start..], out var rune, out var length);
        var (end, id) = (start + length, IdOf(rune));
        while (end < text.Length)
        {
            Rune.DecodeFromUtf16(text[end..], out rune, out length);
            var next = IdOf(rune);
            if (!(id < 0 || next < 0 ? _unknownJoins : _joins.Contains(Key(id, next))))
                break;
            (end, id) = (end + length, next);
        }
        return end;
    }

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;
}
