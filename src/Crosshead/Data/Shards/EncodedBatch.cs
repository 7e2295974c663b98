using System.Text;
using Crosshead.Data.Sources;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Data.Shards;

/// <summary>Consecutive documents, encoded by one worker and written by the main thread in their order.</summary>
internal sealed class EncodedBatch
{
    /// <summary>The documents: their place, hash, text length, and the end of their tokens.</summary>
    public List<(Document Document, ulong Hash, long Bytes, int End)> Documents { get; } = [];

    /// <summary>All tokens, document after document.</summary>
    public ReadOnlyMemory<int> Tokens { get; private set; }

    /// <summary>Encodes each document as the tokenizer's template says, and ends it with the end token.</summary>
    public static EncodedBatch Encode(IReadOnlyList<Document> documents, Tokenizer tokenizer, int endToken, long seed)
    {
        var (batch, tokens) = (new EncodedBatch(), new List<int>());
        foreach (var document in documents)
        {
            // Special tokens are not read from the text, which must not be able to fake an end of document.
            var start = tokens.Count;
            tokenizer.Encode(document.Text, tokens, addSpecialTokens: true, parseSpecialTokens: false);
            if (tokens.Count == start || tokens[^1] != endToken)
                tokens.Add(endToken);
            var text = Encoding.UTF8.GetBytes(document.Text);
            batch.Documents.Add((document with { Text = "" }, HoldOut.Hash(text, seed), text.Length, tokens.Count));
        }
        batch.Tokens = tokens.ToArray();
        return batch;
    }
}
