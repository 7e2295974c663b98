namespace Crosshead.Decoding.Cpu;

/// <summary>Tokens computed together: the next one of several sequences, or the next few of one.</summary>
internal sealed class DecodePass
{
    /// <summary>Most tokens of a pass.</summary>
    public const int MaxRows = 16;

    private readonly Row[] _rows = new Row[MaxRows];

    /// <summary>Tokens in the pass.</summary>
    public int Count { get; private set; }

    /// <summary>Whether no more fit.</summary>
    public bool Full => Count == MaxRows;

    /// <summary>A token of the pass.</summary>
    public ref readonly Row this[int row] => ref _rows[row];

    /// <summary>Empties the pass.</summary>
    public void Clear() => Count = 0;

    /// <summary>Adds a token.</summary>
    public void Add(int sequence, int position, int token, bool wanted) => _rows[Count++] = new Row(sequence, position, token, wanted);

    /// <summary>A token, its place, and whether its logits are wanted.</summary>
    internal readonly record struct Row(int Sequence, int Position, int Token, bool Wanted);
}
