using System.Text;
using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Text.Tokenizers.Models;

/// <summary>
/// SentencePiece's unigram model (Kudo 2018): of all ways to cut a word into tokens, the one with the largest sum of
/// scores, found with Viterbi's algorithm. A character that is no token has a score below all tokens. Neighbouring
/// ones are one piece, which becomes its bytes or the unknown token.
/// </summary>
internal sealed class UnigramLattice
{
    private const double UnknownPenalty = 10;

    private readonly TokenizerDefinition _definition;
    private readonly IReadOnlyList<double> _scores;
    private readonly int[] _byteIds;
    private readonly int _longest;
    private readonly double _unknownScore;

    /// <summary>Prepares a model with scores.</summary>
    public UnigramLattice(TokenizerDefinition definition, int[] byteIds)
    {
        _definition = definition;
        _scores = definition.Scores!;
        _byteIds = byteIds;
        _longest = definition.Vocabulary.Model.Max(token => token.Key.Length);
        _unknownScore = definition.Vocabulary.Model.Min(token => _scores[token.Value]) - UnknownPenalty;
    }

    /// <summary>Appends the ids of a word, in which no half of a surrogate pair stands alone.</summary>
    public void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        // The best way to each place, by the token that ends there: its beginning (-1 for no way) and id.
        var best = new (double Score, int Begin, int Id)[word.Length + 1];
        Array.Fill(best, (0, -1, -1), 1, word.Length);
        for (var begin = 0; begin < word.Length;)
        {
            Rune.DecodeFromUtf16(word[begin..], out _, out var character);
            var single = false;
            for (var length = 1; length <= Math.Min(_longest, word.Length - begin); length++)
                if (_definition.Vocabulary.ModelIdOf(word.Slice(begin, length)) is { } id)
                {
                    Offer(best, begin, length, id, _scores[id]);
                    single |= length == character;
                }
            if (!single) Offer(best, begin, character, _definition.UnknownId!.Value, _unknownScore);
            begin += character;
        }

        var pieces = new Stack<(int Begin, int End)>();
        var fused = -1; // where a run of unknown characters ends, -1 outside of one
        for (var end = word.Length; end > 0; end = best[end].Begin)
        {
            var unknown = best[end].Id == _definition.UnknownId;
            if (!unknown && fused >= 0) pieces.Push((end, fused));
            if (!unknown) pieces.Push((best[end].Begin, end));
            fused = !unknown ? -1 : fused < 0 ? end : fused;
        }
        if (fused >= 0) pieces.Push((0, fused));
        foreach (var (begin, end) in pieces) Write(word[begin..end], ids);
    }

    private static void Offer((double Score, int Begin, int Id)[] best, int begin, int length, int id, double score)
    {
        ref var end = ref best[begin + length];
        if (end.Begin < 0 || best[begin].Score + score > end.Score) end = (best[begin].Score + score, begin, id);
    }

    private void Write(ReadOnlySpan<char> piece, List<int> ids)
    {
        if (_definition.Vocabulary.ModelIdOf(piece) is { } id)
        {
            ids.Add(id);
            return;
        }
        var bytes = Encoding.UTF8.GetBytes(piece.ToString());
        if (_definition.ByteFallback && Array.TrueForAll(bytes, b => _byteIds[b] >= 0))
            foreach (var b in bytes) ids.Add(_byteIds[b]);
        else
            ids.Add(_definition.UnknownId!.Value);
    }
}
