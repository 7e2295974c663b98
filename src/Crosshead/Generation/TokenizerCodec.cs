using Crosshead.Text.Tokenizers;

namespace Crosshead.Generation;

/// <summary>
/// A model's tokenizer for generation. Prompts get the tokenizer's special tokens; answers are by default shown without
/// them.
/// </summary>
public sealed class TokenizerCodec(Tokenizer tokenizer) : ITextCodec
{
    /// <inheritdoc/>
    public IReadOnlyList<int> Encode(string text) => tokenizer.Encode(text);

    /// <inheritdoc/>
    public bool IsToken(int id) => tokenizer.Has(id);

    /// <inheritdoc/>
    public ITextStream CreateStream(bool skipsSpecialTokens = true) =>
        new Stream(tokenizer.CreateDecodeStream(skipsSpecialTokens));

    private sealed class Stream(DecodeStream stream) : ITextStream
    {
        public string Push(int id) => stream.Step(id);

        public string Finish() => stream.Finish();
    }
}
