using Crosshead.Cli.Chat;
using Crosshead.Cli.Terminal;
using Crosshead.Text.Chat;

namespace Crosshead.Tests.Cli.Chat;

public sealed class ChatSessionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StringWriter _out = new(), _error = new();
    private readonly Echo _partner = new();
    private StandardStreams _terminal = StandardStreams.Silent;

    public void Dispose()
    {
        _folder.Dispose();
        _out.Dispose();
        _error.Dispose();
        _partner.Dispose();
    }

    [Fact]
    public void Each_line_is_answered_with_all_turns_before_it()
    {
        Assert.Equal(0, Talk("one\n\n  \ntwo"));
        Assert.Equal("1:one\n3:two\n", _out.ToString());
        Assert.Equal("", _error.ToString());
    }

    [Fact]
    public void The_system_s_message_is_changed_and_removed()
    {
        Talk("/system Be brief.\none\n/system\ntwo");
        Assert.Equal("2:one\n3:two\n", _out.ToString()); // the message counts while it is there
    }

    [Fact]
    public void Answers_are_given_again_and_questions_taken_back()
    {
        Talk("/regenerate\none\n/regenerate\n/undo\n/undo\n/regenerate\ntwo");
        Assert.Equal("1:one\n1:one\n1:two\n", _out.ToString());
        Assert.Equal("There is no question.\nTaken back: one\nThere is no question.\nThere is no question.\n",
            _error.ToString());
    }

    [Fact]
    public void A_conversation_is_forgotten()
    {
        Talk("one\n/clear\ntwo");
        Assert.Equal("1:one\n1:two\n", _out.ToString());
    }

    [Fact]
    public void A_conversation_is_saved()
    {
        var file = _folder.File("talk.json");
        Talk($"one\n/save {file}");
        Assert.Equal($"Saved to {file}.\n", _error.ToString());
        Assert.Contains("1:one", File.ReadAllText(file));
    }

    [Fact]
    public void The_commands_are_listed_and_the_end_is_one()
    {
        Assert.Equal(0, Talk("/help\n/exit\nnot read"));
        Assert.Contains("/regenerate", _error.ToString());
        Assert.Equal("", _out.ToString());
    }

    [Fact]
    public void Two_slashes_send_one()
    {
        Talk("//help");
        Assert.Equal("1:/help\n", _out.ToString());
    }

    [Theory]
    [InlineData("/regenrate", "unknown command \"/regenrate\"; did you mean \"/regenerate\"? known: ")]
    [InlineData("/etc/passwd has a line", "To send the line, begin it with //.")]
    [InlineData("/save", "write /save FILE")]
    [InlineData("/save /", "\"/\" exists already")]
    public void A_script_s_wrong_command_is_told_and_the_lines_after_it_are_answered(string line, string told)
    {
        Assert.Equal(2, Talk($"one\n{line}\ntwo"));
        Assert.Equal("1:one\n3:two\n", _out.ToString());
        Assert.Contains(told, Assert.Single(_error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public void Where_nobody_can_ask_again_a_failure_ends_it() =>
        Assert.Equal("no more", Assert.Throws<CrossheadException>(() => Talk("fail")).Message);

    [Fact]
    public void Thoughts_are_no_part_of_the_answer()
    {
        Talk("think\nagain");
        Assert.Equal("1:think\n3:again\n", _out.ToString());
        Assert.Equal("1:think", _partner.Last[1].Content);
    }

    [Fact]
    public void Why_an_answer_ended_early_is_told()
    {
        Talk("cut");
        Assert.Equal("It was cut.\n", _error.ToString());
    }

    [Fact]
    public void Ctrl_C_stops_an_answer_and_keeps_what_there_is_of_it()
    {
        Assert.Equal(0, Talk("stop\nagain"));
        Assert.Equal("1:stop\n3:again\n", _out.ToString());
        Assert.Equal("The answer was ended. A second Ctrl-C ends the chat.\n", _error.ToString());
        Assert.Null(_terminal.Step);
    }

    [Fact]
    public void A_second_signal_ends_the_conversation()
    {
        using var signal = new CancellationTokenSource();
        _partner.OnAnswer = signal.Cancel;
        Assert.Equal(130, Talk("one\ntwo", signal.Token));
        Assert.Equal("1:one\n", _out.ToString());
        Assert.Empty(_error.ToString());
    }

    [Fact]
    public void At_the_prompt_a_signal_ends_the_conversation()
    {
        using var signal = new CancellationTokenSource();
        using var input = new NeverReader(signal);
        var output = new CommandOutput(new StandardStreams(_out, _error, input), json: false);
        Assert.Equal(130, new ChatSession(_partner, new ChatTranscript(), output).Run(signal.Token));
        input.Release();
    }

    private int Talk(string input, CancellationToken cancellation = default)
    {
        _terminal = new StandardStreams(_out, _error, new StringReader(input));
        _partner.TryStop = () => _terminal.Step!.TryStop();
        return new ChatSession(_partner, new ChatTranscript(), new CommandOutput(_terminal, json: false))
            .Run(cancellation);
    }

    /// <summary>Answers with the number of messages and the last of them.</summary>
    private sealed class Echo : IChatPartner
    {
        public string Name => "echo";

        public IReadOnlyList<ChatMessage> Last { get; private set; } = [];

        public Action OnAnswer { get; set; } = () => { };

        public Func<bool> TryStop { get; set; } = () => false;

        public IEnumerable<ChatPiece> Reply(IReadOnlyList<ChatMessage> messages, CancellationToken cancellation)
        {
            Last = messages;
            var text = messages[^1].Content;
            if (text == "fail") throw new CrossheadException("no more");
            if (text == "think") yield return new ChatPiece("hm", IsThought: true);
            yield return new ChatPiece($"{messages.Count}:");
            OnAnswer();
            yield return new ChatPiece(text);
            if (text == "stop")
            {
                Assert.True(TryStop());
                Assert.False(TryStop()); // the second one is for the command
                Assert.True(cancellation.IsCancellationRequested);
            }
            if (text == "cut") yield return new ChatPiece("", Remark: "It was cut.");
        }

        public void Dispose() { }
    }

    /// <summary>An input that nobody types in; the signal comes when it is read.</summary>
    private sealed class NeverReader(CancellationTokenSource signal) : TextReader
    {
        private readonly ManualResetEventSlim _release = new();

        public void Release() => _release.Set();

        public override string? ReadLine()
        {
            signal.Cancel();
            _release.Wait();
            return null;
        }
    }
}
