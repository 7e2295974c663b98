namespace Crosshead.Evaluation.Answers;

/// <summary>An answer's tokens and the place up to which they are read.</summary>
internal sealed class MathTokens
{
    private readonly List<MathToken> _tokens;

    /// <summary>The tokens from the first on.</summary>
    public MathTokens(IEnumerable<MathToken> tokens) => _tokens = [.. tokens, new MathToken(MathTokenKind.End, "")];

    /// <summary>How many tokens are read.</summary>
    public int Place { get; set; }

    /// <summary>The token that is read next; the end's at the end.</summary>
    public MathToken Next => _tokens[Place];

    /// <summary>The token that was read last.</summary>
    public MathToken Previous => _tokens[Place - 1];

    /// <summary>The token that stands a number of tokens after the next.</summary>
    public MathToken this[int ahead] => _tokens[Place + ahead];

    /// <summary>Whether the next token closes a bracket.</summary>
    public bool AtCloser => Next.Is(")") || Next.Is("]") || Next.Is(@"\}") || Next.Is("}") || Next.Is(@"\rangle");

    /// <summary>Reads the next token.</summary>
    public MathToken Take() => _tokens[Place++];

    /// <summary>Reads past tokens.</summary>
    public void Skip(int count = 1) => Place += count;

    /// <summary>Reads the first digit of the number that is next.</summary>
    public void TakeDigit()
    {
        var digits = Next.Text;
        _tokens[Place] = new MathToken(MathTokenKind.Number, digits[1..]);
        _tokens.Insert(Place++, new MathToken(MathTokenKind.Number, digits[..1]));
    }

    /// <summary>Reads the next token if it has this text.</summary>
    public bool Accept(string text)
    {
        if (!Next.Is(text)) return false;
        Place++;
        return true;
    }

    /// <summary>Reads the next token, which must have this text.</summary>
    /// <exception cref="FormatException">It has another.</exception>
    public void Expect(string text)
    {
        if (!Accept(text)) throw Unexpected();
    }

    /// <summary>What to throw where the next token does not fit.</summary>
    public FormatException Unexpected() => new($"\"{Next.Text}\" is not expected here");
}
