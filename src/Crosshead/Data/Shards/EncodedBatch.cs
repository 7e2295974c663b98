using System.Runtime.InteropServices;
using System.Text;
using Crosshead.Data.Sources;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Data.Shards;

/// <summary>Consecutive documents, encoded by one worker and written by the main thread in their order.</summary>
internal sealed class EncodedBatch
{
    private readonly List<int> _tokens = [];

    /// <summary>The documents: their place, hash, length of text, and where their tokens end.</summary>
    public List<(Document Document, ulong Hash, long Bytes, int End)> Documents { get; } = [];

    /// <summary>All tokens, document after document.</summary>
    public ReadOnlySpan<int> Tokens => CollectionsMarshal.AsSpan(_tokens);

    /// <summary>Encodes each document as the tokenizer's template says, and ends it with the end token.</summary>
    public static EncodedBatch Encode(IReadOnlyList<Document> documents, Tokenizer tokenizer, int endToken, long seed)
    {
        var batch = new EncodedBatch();
        foreach (var document in documents)
        {
            // Special tokens are not read from the text: it must not be able to forge an end of document.
            var start = batch._tokens.Count;
            tokenizer.Encode(document.Text, batch._tokens, addSpecialTokens: true, parseSpecialTokens: false);
            if (batch._tokens.Count == start || batch._tokens[^1] != endToken)
                batch._tokens.Add(endToken);
            var text = Encoding.UTF8.GetBytes(document.Text);
            batch.Documents.Add((document with { Text = "" }, HoldOut.Hash(text, seed), text.Length, batch._tokens.Count));
        }
        return batch;
    }
}
