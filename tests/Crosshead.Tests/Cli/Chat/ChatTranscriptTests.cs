using System.Text.Json.Nodes;
using Crosshead.Cli.Chat;

namespace Crosshead.Tests.Cli.Chat;

public sealed class ChatTranscriptTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ChatTranscript _transcript = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_system_speaks_first_and_stays()
    {
        _transcript.Ask("a");
        _transcript.Answer("b");
        Assert.Equal(["user", "assistant"], Roles());
        _transcript.System = "s";
        Assert.Equal(["system", "user", "assistant"], Roles());
        _transcript.Clear();
        Assert.Equal(["system"], Roles());
    }

    [Fact]
    public void The_last_question_is_taken_back_with_its_answer()
    {
        Assert.Null(_transcript.Undo());
        _transcript.Ask("a");
        _transcript.Answer("b");
        _transcript.Ask("c");
        Assert.Equal("c", _transcript.Undo()); // it has no answer
        Assert.Equal("a", _transcript.Undo());
        Assert.Empty(_transcript.Messages);
    }

    [Fact]
    public void An_answer_can_be_taken_back_alone()
    {
        Assert.False(_transcript.TakeBackAnswer());
        _transcript.Ask("a");
        _transcript.Answer("b");
        Assert.True(_transcript.TakeBackAnswer());
        Assert.Equal(["user"], Roles());
    }

    [Fact]
    public void It_is_saved_to_a_new_file_alone()
    {
        _transcript.Ask("How “much”?");
        var file = _folder.File("talk.json");
        _transcript.Save(file);
        Assert.Equal("How “much”?", (string)JsonNode.Parse(File.ReadAllText(file))![0]!["content"]!);
        Assert.Contains("exists already", Assert.Throws<CrossheadException>(() => _transcript.Save(file)).Message);
    }

    private string[] Roles() => [.. _transcript.Messages.Select(m => m.Role)];
}
