using System.IO.Compression;

namespace Crosshead.Files;

/// <summary>
/// A gzip reader that notices a truncated file, which <see cref="GZipStream"/> ends silently. It also skips zeros after
/// a member, which tapes and block copies leave. It appends a small gzip member to the file. If the file is complete,
/// the text of this member appears at the end and is removed again. If the file is cut, the inflater is still inside
/// the file's own data, and the text does not appear.
/// </summary>
internal sealed class CompleteGzipStream : ReadOnlyStream
{
    private static readonly byte[] Mark = "\u0001crosshead end of gzip file\u0002"u8.ToArray();
    private static readonly byte[] MarkMember = Compress(Mark);

    private readonly Input _file;
    private readonly byte[] _buffer = new byte[(1 << 16) + 64];
    private GZipStream _members;
    private int _start;
    private int _end;
    private bool _ended;

    /// <summary>Reads <paramref name="compressed"/>, which is closed with this stream.</summary>
    public CompleteGzipStream(Stream compressed)
    {
        _file = new Input(compressed);
        _members = new GZipStream(_file, CompressionMode.Decompress, leaveOpen: true);
    }

    public override int Read(Span<byte> destination)
    {
        Fill();
        var count = Math.Min(destination.Length, _end - _start - (_ended ? 0 : Mark.Length));
        _buffer.AsSpan(_start, count).CopyTo(destination);
        _start += count;
        return count;
    }

    // Reads ahead until more than the mark's length is available; at the end it removes the mark.
    private void Fill()
    {
        while (!_ended && _end - _start <= Mark.Length)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
            var read = _members.Read(_buffer.AsSpan(_end));
            _end += read;
            if (read > 0)
                continue;
            if (!_file.GaveZero)
                TakeOffMark();
            else if (_file.SkipZeros())
                Restart();
            else
                _ended = true;
        }
    }

    private void TakeOffMark()
    {
        _ended = true;
        if (!_buffer.AsSpan(0, _end).EndsWith(Mark))
            throw new EndOfStreamException("the gzip data ends early, or something else follows it");
        _end -= Mark.Length;
    }

    private void Restart()
    {
        _members.Dispose();
        _members = new GZipStream(_file, CompressionMode.Decompress, leaveOpen: true);
    }

    private static byte[] Compress(byte[] content)
    {
        var stream = new MemoryStream();
        using (var gzip = new GZipStream(stream, CompressionLevel.Optimal))
            gzip.Write(content);
        return stream.ToArray();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _members.Dispose();
            _file.Dispose();
        }
        base.Dispose(disposing);
    }

    // The file's bytes, then the mark's member. Each zero is returned alone: if the reader requests no more bytes after
    // it, a member was complete before it.
    private sealed class Input(Stream file) : ReadOnlyStream
    {
        private readonly byte[] _ahead = new byte[1 << 16];
        private int _start;
        private int _end;
        private int _mark;

        public bool GaveZero { get; private set; }

        public override int Read(Span<byte> destination)
        {
            if (destination.IsEmpty)
                return 0;
            GaveZero = false;
            var bytes = Ahead();
            if (bytes.IsEmpty)
                return GiveMark(destination);
            GaveZero = bytes[0] == 0;
            var count = GaveZero ? 1 : bytes.IndexOf((byte)0) is var zero and > 0 ? zero : bytes.Length;
            count = Math.Min(count, destination.Length);
            bytes[..count].CopyTo(destination);
            _start += count;
            return count;
        }

        // Whether more than zeros is left.
        public bool SkipZeros()
        {
            for (var bytes = Ahead(); !bytes.IsEmpty; bytes = Ahead())
            {
                var other = bytes.IndexOfAnyExcept((byte)0);
                _start += other < 0 ? bytes.Length : other;
                if (other >= 0)
                    return true;
            }
            return false;
        }

        private ReadOnlySpan<byte> Ahead()
        {
            if (_start == _end)
                (_start, _end) = (0, file.Read(_ahead));
            return _ahead.AsSpan(_start, _end - _start);
        }

        private int GiveMark(Span<byte> destination)
        {
            var count = Math.Min(destination.Length, MarkMember.Length - _mark);
            MarkMember.AsSpan(_mark, count).CopyTo(destination);
            _mark += count;
            return count;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                file.Dispose();
            base.Dispose(disposing);
        }
    }
}
