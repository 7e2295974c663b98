namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>What a piece of a SentencePiece vocabulary is for, numbered as in its files.</summary>
internal enum SentencePieceKind : byte
{
    /// <summary>Text.</summary>
    Normal = 1,

    /// <summary>The token for what the vocabulary lacks.</summary>
    Unknown = 2,

    /// <summary>A control token, such as the one that begins a text.</summary>
    Control = 3,

    /// <summary>Text that is always one token.</summary>
    UserDefined = 4,

    /// <summary>A piece that training has dropped.</summary>
    Unused = 5,

    /// <summary>A byte, <c>&lt;0x0A&gt;</c>.</summary>
    Byte = 6,
}
