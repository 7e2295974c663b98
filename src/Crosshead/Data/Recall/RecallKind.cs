namespace Crosshead.Data.Recall;

/// <summary>What a text asks to be recalled, and how.</summary>
public enum RecallKind
{
    /// <summary>Pairs of a key and a value; then each key again (multi-query associative recall).</summary>
    Pairs,

    /// <summary>As pairs, with keys of two words that are both parts of several keys.</summary>
    Grid,

    /// <summary>Assignments of numbers and of other variables; then the value of each variable.</summary>
    Variables,

    /// <summary>Functions of modules in source code; then the import of each function from its module.</summary>
    Identifiers,

    /// <summary>Four numbers at random depths in sentences about other things; then each number.</summary>
    Needle,

    /// <summary>Random words of a small set; then the same words again.</summary>
    Copy,

    /// <summary>As pairs, with keys that are much alike, of the more words the more there are.</summary>
    Codes,

    /// <summary>Records of two to six words; then words of each, by another word of the record.</summary>
    Records,

    /// <summary>As copy, with three words.</summary>
    Repeats,

    /// <summary>Words in a row; then the word that stands so many places before or after another.</summary>
    Neighbours,
}
