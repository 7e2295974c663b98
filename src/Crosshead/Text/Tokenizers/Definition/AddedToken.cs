namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>
/// A token that stands for a fixed text and is never split or merged, such as <c>&lt;|endoftext|&gt;</c>.
/// </summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">The text it stands for.</param>
/// <param name="Special">Whether it is a control token: it can be omitted from decoded text, and is read from text only
/// on request.</param>
public sealed record AddedToken(int Id, string Content, bool Special)
{
    /// <summary>Whether it is read only if no letter, digit, mark or underscore touches it.</summary>
    public bool SingleWord { get; init; }

    /// <summary>Whether white space before it belongs to the token, and is lost.</summary>
    public bool StripLeft { get; init; }

    /// <summary>Whether white space after it belongs to the token, and is lost.</summary>
    public bool StripRight { get; init; }

    /// <summary>
    /// Whether its normalized content is searched in the normalized text. False: it is searched in the text as given.
    /// </summary>
    public bool Normalized { get; init; }
}
