using System.Buffers.Binary;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Text.Grammars;

/// <summary>
/// The bytes of all tokens as a tree. A node stands for bytes with which tokens begin. The nodes are in the order in
/// which one walks along the tree, so the nodes below a node follow it directly.
/// </summary>
internal sealed class TokenTrie
{
    private readonly List<(byte[] Bytes, int Id)> _tokens;

    /// <summary>The last byte of each node.</summary>
    public byte[] Bytes { get; }

    /// <summary>The number of bytes of each node, from 1.</summary>
    public ushort[] Depths { get; }

    /// <summary>For each node the first node behind those below it.</summary>
    public int[] Ends { get; }

    /// <summary>For each node the place in <see cref="Ids"/> where its tokens begin; one more at the end.</summary>
    public int[] Tokens { get; }

    /// <summary>Ids of tokens, node by node.</summary>
    public int[] Ids { get; }

    /// <summary>The largest depth.</summary>
    public int Deepest { get; }

    /// <summary>Orders the tokens of a tokenizer below a number of ids. Tokens without bytes are left out.</summary>
    public TokenTrie(Tokenizer tokenizer, int width)
    {
        var tokens = new List<(byte[] Bytes, int Id)>();
        for (var id = 0; id < Math.Min(width, tokenizer.VocabularySize); id++)
            if (BytesOf(tokenizer, id) is { Length: > 0 and <= ushort.MaxValue } bytes) tokens.Add((bytes, id));
        tokens.Sort((a, b) => a.Bytes.AsSpan().SequenceCompareTo(b.Bytes) is not 0 and var order ? order
            : a.Id.CompareTo(b.Id));
        var (nodes, depths, own) = (new List<byte>(), new List<ushort>(), new List<int>());
        ReadOnlySpan<byte> last = [];
        foreach (var (index, (bytes, _)) in tokens.Index())
        {
            // In this order the nodes of a token that are new follow those of the token before it.
            for (var at = last.CommonPrefixLength(bytes); at < bytes.Length; at++)
            {
                nodes.Add(bytes[at]);
                depths.Add((ushort)(at + 1));
                own.Add(index);
            }
            last = bytes;
            Deepest = Math.Max(Deepest, bytes.Length);
        }
        (Bytes, Depths, Tokens) = ([.. nodes], [.. depths], [.. own, tokens.Count]);
        Ids = [.. tokens.Select(token => token.Id)];
        Ends = Behind(Depths);
        _tokens = tokens;
    }

    /// <summary>The bytes of each token; none for ids that are not in the tree.</summary>
    public byte[][] BytesById(int width)
    {
        var bytes = Enumerable.Repeat(Array.Empty<byte>(), width).ToArray();
        foreach (var token in _tokens) bytes[token.Id] = token.Bytes;
        return bytes;
    }

    // Special tokens have bytes that are in no text, so they are allowed only where a grammar names them.
    private static byte[] BytesOf(Tokenizer tokenizer, int id)
    {
        if (!tokenizer.IsSpecial(id))
            return tokenizer.BytesOf(id) is var text && text.Contains(GrammarBuilder.SpecialMark) ? [] : text.ToArray();
        var bytes = new byte[5];
        bytes[0] = GrammarBuilder.SpecialMark;
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(1), id);
        return bytes;
    }

    private static int[] Behind(ushort[] depths)
    {
        var ends = new int[depths.Length];
        var open = new Stack<int>();
        for (var node = 0; node < depths.Length; node++)
        {
            while (open.TryPeek(out var last) && depths[last] >= depths[node]) ends[open.Pop()] = node;
            open.Push(node);
        }
        foreach (var node in open) ends[node] = depths.Length;
        return ends;
    }
}
