namespace Crosshead.Evaluation.Tasks;

/// <summary>How an answer is found in what a model wrote.</summary>
public enum AnswerExtraction
{
    /// <summary>The first group of a regular expression's match, or the whole match if it has no group.</summary>
    Regex,

    /// <summary>The last number.</summary>
    LastNumber,

    /// <summary>The content of the last <c>\boxed{…}</c>.</summary>
    Boxed,

    /// <summary>The whole text without the white space around it.</summary>
    Whole,
}
