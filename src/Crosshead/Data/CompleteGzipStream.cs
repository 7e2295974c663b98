using System.IO.Compression;

namespace Crosshead.Data;

/// <summary>
/// A gzip reader that notices a truncated file, which <see cref="GZipStream"/> ends silently. It puts a small
/// gzip member of its own after the file's: where the file is whole, that member's text comes out at the end and
/// is taken off again; where it is cut, the inflater is still inside the file's own data and it does not.
/// </summary>
internal sealed class CompleteGzipStream : ReadOnlyStream
{
    private static readonly byte[] Mark = "\u0001crosshead end of gzip file\u0002"u8.ToArray();
    private static readonly byte[] MarkMember = Compress(Mark);

    private readonly GZipStream _inner;
    private readonly byte[] _buffer = new byte[(1 << 16) + 64];
    private int _start;
    private int _end;
    private bool _ended;

    /// <summary>Reads <paramref name="compressed"/>, which is closed with this stream.</summary>
    public CompleteGzipStream(Stream compressed) => _inner = new GZipStream(new Appended(compressed), CompressionMode.Decompress);

    public override int Read(Span<byte> destination)
    {
        Fill();
        var count = Math.Min(destination.Length, _end - _start - (_ended ? 0 : Mark.Length));
        _buffer.AsSpan(_start, count).CopyTo(destination);
        _start += count;
        return count;
    }

    // Reads ahead until more than the mark's length is there; at the end takes the mark off.
    private void Fill()
    {
        while (!_ended && _end - _start <= Mark.Length)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
            var read = _inner.Read(_buffer.AsSpan(_end));
            _end += read;
            if (read > 0)
                continue;
            _ended = true;
            if (!_buffer.AsSpan(0, _end).EndsWith(Mark))
                throw new EndOfStreamException("the gzip data ends early");
            _end -= Mark.Length;
        }
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
            _inner.Dispose();
        base.Dispose(disposing);
    }

    // The file's bytes, then the mark's member.
    private sealed class Appended(Stream file) : ReadOnlyStream
    {
        private int _mark;

        public override int Read(Span<byte> destination)
        {
            var read = destination.IsEmpty || _mark > 0 ? 0 : file.Read(destination);
            if (read > 0 || destination.IsEmpty)
                return read;
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
