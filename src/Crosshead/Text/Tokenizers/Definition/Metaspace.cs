namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>How a Metaspace pre-tokenizer, SentencePiece's way with spaces, treats a text.</summary>
/// <param name="Mark">The character for a space.</param>
/// <param name="Prepend">When a mark is put before a text that does not begin with one.</param>
/// <param name="Split">Whether each mark begins a word. False: the whole text is one word.</param>
internal sealed record Metaspace(char Mark, MetaspacePrepend Prepend, bool Split)
{
    /// <summary>The text with its marks.</summary>
    /// <param name="text">Text without added tokens.</param>
    /// <param name="first">Whether nothing stands before it.</param>
    public string Apply(ReadOnlySpan<char> text, bool first)
    {
        var prepend = Prepend == MetaspacePrepend.Always || (Prepend == MetaspacePrepend.First && first);
        var marked = text.ToString().Replace(' ', Mark);
        return prepend && !marked.StartsWith(Mark) ? Mark + marked : marked;
    }
}
