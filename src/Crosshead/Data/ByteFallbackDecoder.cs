using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace Crosshead.Data;

/// <summary>
/// Undoes <see cref="ByteFallbackModel"/>: ▁ is a space, a run of byte tokens is UTF-8 (each of its bytes U+FFFD
/// where it is not valid), and one space at the very start is dropped.
/// </summary>
internal sealed class ByteFallbackDecoder : ITokenDecoder
{
    private readonly Vocabulary _vocabulary;
    private readonly Dictionary<int, byte> _bytes = [];
    private readonly bool _streaming;
    private readonly List<byte> _run = [];
    private bool _atStart = true;

    public ByteFallbackDecoder(Vocabulary vocabulary, int[] byteIds, bool streaming)
    {
        _vocabulary = vocabulary;
        _streaming = streaming;
        for (var b = 0; b < byteIds.Length; b++)
            _bytes[byteIds[b]] = (byte)b;
    }

    public void Append(int id, StringBuilder text)
    {
        if (_bytes.TryGetValue(id, out var b))
        {
            _run.Add(b);
            if (_streaming && Utf8.IsValid(CollectionsMarshal.AsSpan(_run)))
                EndRun(text);
            return;
        }
        EndRun(text);
        Write(_vocabulary.Require(id).Replace(ByteFallbackModel.SpaceMark, ' '), text);
    }

    public void Finish(StringBuilder text)
    {
        EndRun(text);
        _atStart = true;
    }

    private void EndRun(StringBuilder text)
    {
        if (_run.Count == 0)
            return;
        var bytes = _run.ToArray();
        _run.Clear();
        Write(Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : new string('\uFFFD', bytes.Length), text);
    }

    private void Write(string piece, StringBuilder text)
    {
        var skip = _atStart && piece.StartsWith(' ') ? 1 : 0;
        text.Append(piece, skip, piece.Length - skip);
        _atStart &= piece.Length == 0;
    }
}
