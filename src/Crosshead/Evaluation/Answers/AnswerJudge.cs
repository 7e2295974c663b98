using System.Text.RegularExpressions;
using Crosshead.Evaluation.Results;
using Crosshead.Evaluation.Tasks;

namespace Crosshead.Evaluation.Answers;

/// <summary>Finds the answer in what a model wrote, and says whether it is right, as a task's filter asks.</summary>
public sealed class AnswerJudge
{
    // A pattern of a task file runs on texts that a model wrote: neither may hang an evaluation.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly AnswerFilter _filter;
    private readonly Regex? _pattern;

    /// <summary>Prepares a filter.</summary>
    public AnswerJudge(AnswerFilter filter)
    {
        _filter = filter;
        if (filter.Pattern is { } pattern) _pattern = new Regex(pattern, RegexOptions.CultureInvariant, Patience);
    }

    /// <summary>Judges a text.</summary>
    /// <param name="text">What the model wrote.</param>
    /// <param name="answers">Right answers, of which any will do.</param>
    public JudgedAnswer Judge(string text, IReadOnlyList<string> answers)
    {
        var found = Find(text);
        return new JudgedAnswer(_filter.Name, found, found is not null && answers.Any(answer => Same(answer, found)));
    }

    private string? Find(string text) => _filter.Extract switch
    {
        AnswerExtraction.Boxed => BoxedAnswer.Last(text),
        AnswerExtraction.LastNumber => NumberAnswer.Last(text),
        AnswerExtraction.Whole => text.Trim(),
        _ => Match(text),
    };

    private string? Match(string text)
    {
        try
        {
            var match = _filter.Last ? _pattern!.Matches(text).LastOrDefault()
                : _pattern!.Matches(text).FirstOrDefault();
            if (match is null) return null;
            return (match.Groups.Values.Skip(1).FirstOrDefault(g => g.Success) ?? match).Value;
        }
        catch (RegexMatchTimeoutException)
        {
            return null;
        }
    }

    private bool Same(string answer, string found) => _filter.Compare switch
    {
        AnswerComparison.Number => NumberAnswer.AreEqual(answer, found),
        AnswerComparison.Mathematics => MathAnswer.AreEqual(answer, found),
        AnswerComparison.LetterSet => Letters(answer).SetEquals(Letters(found)),
        _ => string.Equals(Plain(answer), Plain(found), StringComparison.OrdinalIgnoreCase),
    };

    // Letters that stand alone: "A, C" and "(C) and (A)" name the same, the words between them none.
    private static HashSet<string> Letters(string text) =>
        [.. Regex.Matches(text, @"(?<![\p{L}\d])[A-Za-z](?![\p{L}\d])", RegexOptions.CultureInvariant)
            .Select(m => m.Value.ToUpperInvariant())];

    private static string Plain(string text) => text.Trim().TrimEnd('.').TrimEnd();
}
