namespace Crosshead.Text.Chat.Answers;

/// <summary>What a reader of pieces of text returns whenever it needs the next piece to go on.</summary>
internal readonly struct Waiting;

/// <summary>Takes the text of one kind of part.</summary>
internal delegate void PartWriter(ReadOnlySpan<char> text);
