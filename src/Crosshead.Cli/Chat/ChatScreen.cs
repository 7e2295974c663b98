using System.Text;
using Crosshead.Cli.Terminal;

namespace Crosshead.Cli.Chat;

/// <summary>
/// Shows an answer as it is made. A screen also gets the thoughts, in a faint colour; a file or pipe gets the answer
/// alone.
/// </summary>
internal sealed class ChatScreen(CommandOutput output)
{
    private const string Faint = "\e[2m", Usual = "\e[0m";

    private readonly StringBuilder _answer = new();
    private bool _thinks;

    /// <summary>The answer so far, without thoughts.</summary>
    public string Answer => _answer.ToString();

    /// <summary>Shows a piece.</summary>
    public void Show(ChatPiece piece)
    {
        if (piece.IsThought)
        {
            if (!output.Terminal.OutIsScreen) return;
            if (!_thinks) output.Text(Faint);
            _thinks = true;
            output.Text(piece.Text);
        }
        else if (piece.Text.Length > 0)
        {
            EndThought();
            _answer.Append(piece.Text);
            output.Text(piece.Text);
        }
    }

    /// <summary>Ends the answer's line.</summary>
    public void End()
    {
        EndThought();
        output.Line();
    }

    private void EndThought()
    {
        if (_thinks) output.Text($"{Usual}\n\n");
        _thinks = false;
    }
}
