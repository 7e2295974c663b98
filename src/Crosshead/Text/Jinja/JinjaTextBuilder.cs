using System.Text;

namespace Crosshead.Text.Jinja;

/// <summary>Makes a text of unknown length piece by piece, each charged before it is added.</summary>
internal sealed class JinjaTextBuilder(JinjaBudget budget)
{
    private readonly StringBuilder _text = new();

    /// <summary>Adds a piece.</summary>
    public JinjaTextBuilder Append(ReadOnlySpan<char> piece)
    {
        budget.RequireText((long)_text.Length + piece.Length);
        budget.Make(piece.Length);
        _text.Append(piece);
        return this;
    }

    /// <summary>Adds a character.</summary>
    public JinjaTextBuilder Append(char character) => Append([character]);

    /// <summary>Adds a piece several times.</summary>
    public JinjaTextBuilder Append(string piece, long times)
    {
        budget.RequireText(_text.Length + (piece.Length == 0 ? 0 : Math.Min(times, int.MaxValue) * piece.Length));
        for (; times > 0 && piece.Length > 0; times--) Append(piece);
        return this;
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();
}
