namespace Crosshead.Generation;

/// <summary>For prompts and answers that are token ids alone: every id is a token, and none has text.</summary>
/// <param name="missing">What a prompt that is a text is told.</param>
internal sealed class IdCodec(string missing) : ITextCodec, ITextStream
{
    /// <inheritdoc/>
    public IReadOnlyList<int> Encode(string text) => throw new CrossheadException(missing);

    /// <inheritdoc/>
    public bool IsToken(int id) => true;

    /// <inheritdoc/>
    public ITextStream CreateStream(bool skipsSpecialTokens = true) => this;

    /// <inheritdoc/>
    public string Push(int id) => "";

    /// <inheritdoc/>
    public string Finish() => "";
}
