namespace Crosshead.Text.Chat.Answers;

/// <summary>Text that arrives in pieces. Offsets count from the first character that is not yet taken.</summary>
internal sealed class AnswerText
{
    private char[] _characters = new char[256];
    private int _begin;
    private int _end;

    /// <summary>Whether no more text will come.</summary>
    public bool Ended { get; set; }

    /// <summary>Whether it is known what is at an offset: a character, or the end.</summary>
    public bool Knows(int offset) => Ended || _begin + offset < _end;

    /// <summary>The character at an offset; -1 beyond the end.</summary>
    public int At(int offset) => _begin + offset < _end ? _characters[_begin + offset] : -1;

    /// <summary>Whether white space is at an offset.</summary>
    public bool IsBlank(int offset) => At(offset) is ' ' or '\n' or '\r' or '\t';

    /// <summary>Adds a piece of text.</summary>
    public void Add(ReadOnlySpan<char> piece)
    {
        if (_end + piece.Length > _characters.Length)
        {
            var left = _characters.AsSpan(_begin, _end - _begin);
            var larger = left.Length + piece.Length > _characters.Length / 2
                ? new char[2 * (left.Length + piece.Length)] : _characters;
            left.CopyTo(larger);
            (_characters, _begin, _end) = (larger, 0, left.Length);
        }
        piece.CopyTo(_characters.AsSpan(_end));
        _end += piece.Length;
    }

    /// <summary>The characters up to an offset, without taking them.</summary>
    public string Slice(int from, int to) => new(_characters, _begin + from, to - from);

    /// <summary>Takes characters.</summary>
    public ReadOnlySpan<char> Take(int count)
    {
        count = Math.Min(count, _end - _begin);
        _begin += count;
        return _characters.AsSpan(_begin - count, count);
    }
}
