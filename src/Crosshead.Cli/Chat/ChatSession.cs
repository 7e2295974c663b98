using Crosshead.Cli.Terminal;

namespace Crosshead.Cli.Chat;

/// <summary>A conversation in the terminal, line by line, until the end of the input.</summary>
/// <param name="partner">Answers.</param>
/// <param name="transcript">The turns so far.</param>
/// <param name="output">Takes answers and messages.</param>
internal sealed class ChatSession(IChatPartner partner, ChatTranscript transcript, CommandOutput output)
{
    private const string Help = """
        /help             shows this list
        /clear            forgets the conversation, except for what the system says
        /system TEXT      changes what the system says to the model; without TEXT it says nothing
        /undo             takes back the last question and its answer
        /regenerate       answers the last question again
        /save FILE        writes the conversation to a new JSON file
        /exit             ends, like the end of the input (Ctrl-D)
        A line that begins with // is sent with one slash.
        Ctrl-C ends an answer. A second Ctrl-C, or one at the prompt, ends the chat.
        """;

    private static readonly string[] s_commands =
        ["/help", "/clear", "/system", "/undo", "/regenerate", "/save", "/exit"];

    private bool _refused; // a command

    /// <summary>Talks, and returns the exit code: that of bad input if a command was refused to a script.</summary>
    /// <param name="cancellation">Ends the conversation.</param>
    /// <exception cref="CrossheadException">An answer failed, and nobody is at the screen to ask again.</exception>
    public int Run(CancellationToken cancellation)
    {
        if (output.Terminal.InIsScreen)
            output.Message($"Talking to {partner.Name}. Ctrl-C ends an answer, Ctrl-D ends the chat, /help lists the "
                + "commands.");
        while (!cancellation.IsCancellationRequested)
        {
            if (output.Terminal.InIsScreen) output.Terminal.Error.Write("> ");
            if (!TryRead(out var line, cancellation)) break;
            if (line is null or "/exit")
                return _refused && !output.Terminal.InIsScreen ? ExitCode.BadInput : ExitCode.Done;
            if (line.Trim().Length > 0) Obey(line, cancellation);
        }
        return ExitCode.Interrupted;
    }

    private void Obey(string line, CancellationToken cancellation)
    {
        try
        {
            if (line.StartsWith("//", StringComparison.Ordinal)) Ask(line[1..], cancellation);
            else if (line[0] == '/') Command(line, cancellation);
            else Ask(line, cancellation);
        }
        catch (CrossheadException e) when (output.Terminal.InIsScreen)
        {
            output.Message(e.Message);
        }
    }

    private void Command(string line, CancellationToken cancellation)
    {
        var parts = line.Trim().Split((char[]?)null, 2, StringSplitOptions.TrimEntries);
        var text = parts.Length > 1 ? parts[1] : "";
        switch (parts[0])
        {
            case "/help":
                output.Message(Help);
                break;
            case "/clear":
                transcript.Clear();
                break;
            case "/system":
                transcript.System = text.Length > 0 ? text : null;
                break;
            case "/undo":
                output.Message(transcript.Undo() is { } question ? $"Taken back: {question}" : "There is no question.");
                break;
            case "/regenerate":
                if (transcript.TakeBackAnswer()) Answer(cancellation);
                else output.Message("There is no question.");
                break;
            case "/save":
                Save(text);
                break;
            default:
                Refuse($"unknown command \"{parts[0]}\"; {Suggestion.For(parts[0], s_commands)} To send the line, "
                    + "begin it with //.");
                break;
        }
    }

    private void Save(string file)
    {
        try
        {
            if (file.Length == 0) throw new CrossheadException("/save needs a file; write /save FILE.");
            transcript.Save(file);
            output.Message($"Saved to {file}.");
        }
        catch (CrossheadException e)
        {
            Refuse(e.Message);
        }
    }

    // The lines that follow do not depend on it, and are answered as if it were not there.
    private void Refuse(string why)
    {
        _refused = true;
        output.Message(why);
    }

    private void Ask(string text, CancellationToken cancellation)
    {
        transcript.Ask(text);
        Answer(cancellation);
    }

    private void Answer(CancellationToken cancellation)
    {
        var screen = new ChatScreen(output);
        using var step = new StoppableStep(output.Terminal, cancellation);
        try
        {
            foreach (var piece in partner.Reply(transcript.Messages, step.Token))
            {
                screen.Show(piece);
                if (piece.Remark is { } remark) output.Message(remark);
            }
        }
        catch (CrossheadException)
        {
            transcript.Undo(); // so that the question can be asked again
            if (screen.Answer.Length > 0) screen.End();
            throw;
        }
        screen.End();
        transcript.Answer(screen.Answer);
        if (step.Token.IsCancellationRequested && !cancellation.IsCancellationRequested)
            output.Message("The answer was ended. A second Ctrl-C ends the chat.");
    }

    // Reads on another thread: a signal must be able to end the program while nobody types.
    private bool TryRead(out string? line, CancellationToken cancellation)
    {
        var reading = Task.Run(output.Terminal.ReadLine, CancellationToken.None);
        try
        {
            reading.Wait(cancellation);
            line = reading.Result;
            return true;
        }
        catch (OperationCanceledException)
        {
            line = null;
            return false;
        }
    }
}
