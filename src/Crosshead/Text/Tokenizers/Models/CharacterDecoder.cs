using System.Text;
using System.Text.Unicode;
using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Text.Tokenizers.Models;

/// <summary>
/// Undoes <see cref="CharacterModel"/>: a run of byte tokens is UTF-8 (each of its bytes U+FFFD where it is not
/// valid), and spaces that were put before the text are dropped.
/// </summary>
internal sealed class CharacterDecoder : ITokenDecoder
{
    private readonly TokenizerDefinition _definition;
    private readonly Dictionary<int, byte> _bytes = [];
    private readonly List<byte> _run = [];
    private bool _atFirstToken = true;
    private int _strip;

    public CharacterDecoder(TokenizerDefinition definition, int[] byteIds)
    {
        _definition = definition;
        _strip = _definition.Decoding.StripStart;
        for (var b = 0; b < byteIds.Length && _definition.Decoding.ByteFallback; b++)
            if (byteIds[b] >= 0) _bytes[byteIds[b]] = (byte)b;
    }

    public void Append(int id, StringBuilder text)
    {
        if (_bytes.TryGetValue(id, out var b))
        {
            _run.Add(b); // not certain before the run has ended: one bad byte makes all of it U+FFFD
            return;
        }
        EndRun(text);
        var piece = _definition.Written(id);
        if (_atFirstToken && _definition.Decoding.DroppedFromFirst is { } dropped)
            piece = piece.Replace(dropped.ToString(), "", StringComparison.Ordinal);
        foreach (var replacement in _definition.Decoding.Replacements)
            piece = replacement.Normalize(piece) ?? piece;
        _atFirstToken = false;
        Write(piece, text);
    }

    public void Finish(StringBuilder text)
    {
        EndRun(text);
        _atFirstToken = true;
        _strip = _definition.Decoding.StripStart;
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
        var skip = 0;
        while (_strip > 0 && skip < piece.Length && piece[skip] == ' ')
            (skip, _strip) = (skip + 1, _strip - 1);
        if (skip < piece.Length)
            _strip = 0;
        text.Append(piece, skip, piece.Length - skip);
    }
}
