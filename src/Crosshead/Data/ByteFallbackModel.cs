using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace Crosshead.Data;

/// <summary>
/// Llama 2's BPE over characters: a ▁ is put before the text and in place of each space, the whole text is one
/// word, and a character outside the vocabulary becomes its UTF-8 bytes, <c>&lt;0xE2&gt;</c> and so on.
/// </summary>
internal sealed class ByteFallbackModel : ITokenizerModel
{
    /// <summary>What stands for a space, U+2581.</summary>
    public const char SpaceMark = '\u2581';

    private readonly TokenizerDefinition _definition;
    private readonly PairMerger _merger;
    private readonly int[] _byteIds;
    private readonly Dictionary<int, int> _characterIds = [];

    public ByteFallbackModel(TokenizerDefinition definition)
    {
        _definition = definition;
        _merger = new PairMerger(new MergeTable(definition.Merges));
        _byteIds = definition.Vocabulary.ByteIds(ByteTokenOf);
        for (var id = 0; id < definition.Vocabulary.Size; id++)
            if (definition.Vocabulary.TokenOf(id) is { Length: > 0 } token
                && Rune.DecodeFromUtf16(token, out var rune, out var length) == OperationStatus.Done && length == token.Length)
                _characterIds[rune.Value] = id;
    }

    /// <summary>The token for a byte, <c>&lt;0x0A&gt;</c>.</summary>
    public static string ByteTokenOf(byte value) => $"<0x{value:X2}>";

    public void Encode(ReadOnlySpan<char> text, List<int> ids)
    {
        if (text.IsEmpty)
            return;
        var before = ids.Count;
        Add(new Rune(SpaceMark), ids);
        foreach (var rune in text.EnumerateRunes())
            Add(rune.Value == ' ' ? new Rune(SpaceMark) : rune, ids);
        CollectionsMarshal.SetCount(ids, before + _merger.Merge(CollectionsMarshal.AsSpan(ids)[before..]));
    }

    public ITokenDecoder CreateDecoder(bool streaming) => new ByteFallbackDecoder(_definition.Vocabulary, _byteIds, streaming);

    private void Add(Rune rune, List<int> ids)
    {
        if (_characterIds.TryGetValue(rune.Value, out var id))
        {
            ids.Add(id);
            return;
        }
        Span<byte> bytes = stackalloc byte[4];
        foreach (var b in bytes[..rune.EncodeToUtf8(bytes)])
            ids.Add(_byteIds[b]);
    }
}
