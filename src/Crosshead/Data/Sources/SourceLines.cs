using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Crosshead.Files;

namespace Crosshead.Data.Sources;

/// <summary>
/// The lines of a UTF-8 stream with their line ends, in bounded memory, checked to be text: a NUL or an invalid
/// sequence is an error that says where. A byte order mark at the start is skipped.
/// </summary>
internal sealed class SourceLines
{
    private readonly Stream _stream;
    private readonly string _name;
    private readonly int _longest;
    private readonly bool _cutLongLines;
    private byte[] _buffer = new byte[1 << 17];
    private int _start;
    private int _end;
    private bool _ended;

    /// <summary>
    /// Reads <paramref name="stream"/>, which errors call <paramref name="name"/>. A line of more than
    /// <paramref name="longest"/> bytes comes in pieces if <paramref name="cutLongLines"/>, else it is an error.
    /// </summary>
    public SourceLines(Stream stream, string name, int longest, bool cutLongLines)
    {
        (_stream, _name, _longest, _cutLongLines) = (stream, name, longest, cutLongLines);
        _start = TextFile.MarkLength(Peek(3), name);
        Offset = _start;
    }

    /// <summary>Where the next line begins, in bytes of the decompressed file.</summary>
    public long Offset { get; private set; }

    /// <summary>Number of returned lines; in errors, the number of the current line from 1.</summary>
    public long Number { get; private set; }

    /// <summary>Up to <paramref name="count"/> of the next bytes, without consuming them.</summary>
    public ReadOnlySpan<byte> Peek(int count)
    {
        while (_end - _start < count && Fill())
        {
        }
        return _buffer.AsSpan(_start, Math.Min(count, _end - _start));
    }

    /// <summary>Reads the next line, valid until the next call; false at the end of the file.</summary>
    public bool TryRead(out ReadOnlySpan<byte> line)
    {
        var searched = 0;
        var length = 0; // 0 until the end of the line is found
        while (length == 0)
        {
            var found = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOf((byte)'\n');
            length = found < 0 ? 0 : searched + found + 1;
            searched = _end - _start;
            if (length == 0 && (searched > _longest || !Fill()))
                break;
        }
        length = length == 0 ? searched : length;
        if (length > _longest)
        {
            if (!_cutLongLines)
                throw new CrossheadException($"{_name}, line {Number + 1}: the line is longer than {_longest >> 20} "
                    + $"MiB; one document a line is expected.");
            length = WholeCharacters(_buffer.AsSpan(_start, _longest));
        }
        line = _buffer.AsSpan(_start, length);
        if (length == 0)
            return false;
        Check(line);
        _start += length;
        Offset += length;
        Number++;
        return true;
    }

    /// <summary>
    /// Returns the last <paramref name="count"/> bytes of the current line to the stream, to be read again.
    /// </summary>
    public void Return(int count)
    {
        _start -= count;
        Offset -= count;
    }

    private bool Fill()
    {
        if (_ended)
            return false;
        if (_start > 0)
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        if (_end == _buffer.Length)
            Array.Resize(ref _buffer, _buffer.Length * 2);
        var read = _stream.Read(_buffer.AsSpan(_end));
        _end += read;
        _ended = read == 0;
        return !_ended;
    }

    private void Check(ReadOnlySpan<byte> line)
    {
        if (line.IndexOf((byte)0) is var nul and >= 0)
            throw new CrossheadException(
                $"{_name} is not text: byte {Offset + nul} is NUL; name text, JSONL or Parquet files.");
        if (Utf8.IsValid(line))
            return;
        var valid = 0;
        while (Rune.DecodeFromUtf8(line[valid..], out _, out var length) == OperationStatus.Done)
            valid += length;
        throw new CrossheadException($"{_name} is not UTF-8 text: byte {Offset + valid} is 0x{line[valid]:X2}, which "
            + $"begins no valid character; convert the file to UTF-8.");
    }

    // The number of bytes without a character that is cut at the end.
    private static int WholeCharacters(ReadOnlySpan<byte> bytes)
    {
        for (var back = 1; back <= 3 && back < bytes.Length; back++)
            if (bytes[^back] >= 0xC0)
                return Rune.DecodeFromUtf8(bytes[^back..], out _, out _) == OperationStatus.Done ? bytes.Length
                    : bytes.Length - back;
        return bytes.Length;
    }
}
