namespace Crosshead.Text.Grammars;

/// <summary>Limits of grammars. Requests bring grammars with them, so they must not run or grow for ever.</summary>
internal static class GrammarLimits
{
    /// <summary>States of the automaton of one grammar.</summary>
    public const int States = 100_000;

    /// <summary>Seconds for the compilation of one grammar.</summary>
    public const double Seconds = 1;

    /// <summary>Bytes of a schema, a regular expression, or all choices together.</summary>
    public const int SourceBytes = 64 * 1024;

    /// <summary>Schemas or groups within each other.</summary>
    public const int SourceDepth = 64;

    /// <summary>Alternatives at one place: schemas in anyOf, or properties of an object.</summary>
    public const int Alternatives = 512;

    /// <summary>JSON objects and lists within each other, in an answer. Many readers of JSON allow no more.</summary>
    public const int AnswerDepth = 64;

    /// <summary>White-space characters between two JSON tokens: models may otherwise write blanks for ever.</summary>
    public const int Blanks = 32;

    /// <summary>Digits of an integer, and of each part of a number before and after its point.</summary>
    public const int Digits = 16;

    /// <summary>Ways to read the text so far that are followed at the same time. Others are dropped.</summary>
    public const int Readings = 1024;

    /// <summary>
    /// Steps and readings of the lazily built automaton that are kept for one grammar; 8 bytes and more each.
    /// </summary>
    public const int Kept = 400_000;

    /// <summary>New states for one mask; then the mask is limited to short tokens.</summary>
    public const int StatesPerMask = 4096;
}
