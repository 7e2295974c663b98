namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>How a Metaspace pre-tokenizer, SentencePiece's way with spaces, treats a text.</summary>
/// <param name="Mark">What stands for a space.</param>
/// <param name="Prepend">Where a mark is put before a text that has none at its start.</param>
/// <param name="Split">Whether each mark begins a word; else the whole text is one.</param>
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
