using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Files;
using Crosshead.Text.Chat;

namespace Crosshead.Cli.Chat;

/// <summary>The turns of a conversation: perhaps a system's message, then users and assistants in turn.</summary>
internal sealed class ChatTranscript
{
    private const string User = "user", Assistant = "assistant";

    private static readonly JsonSerializerOptions s_format =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly List<ChatMessage> _turns = [];

    /// <summary>What the system says to the model; null for nothing.</summary>
    public string? System { get; set; }

    /// <summary>Whether a question was answered.</summary>
    public bool HasAnswers => _turns.Any(turn => turn.Role == Assistant);

    /// <summary>All messages, as the model gets them.</summary>
    public IReadOnlyList<ChatMessage> Messages =>
        System is null ? [.. _turns] : [new ChatMessage("system", System), .. _turns];

    /// <summary>Adds what the user says.</summary>
    public void Ask(string text) => _turns.Add(new ChatMessage(User, text));

    /// <summary>Adds the answer.</summary>
    public void Answer(string text) => _turns.Add(new ChatMessage(Assistant, text));

    /// <summary>Forgets all turns. The system's message stays.</summary>
    public void Clear() => _turns.Clear();

    /// <summary>Takes back the last question and its answer.</summary>
    /// <returns>The question; null if there is none.</returns>
    public string? Undo()
    {
        if (!TakeBackAnswer()) return null;
        var question = _turns[^1].Content;
        _turns.RemoveAt(_turns.Count - 1);
        return question;
    }

    /// <summary>Takes back the last answer, so that its question can be answered again.</summary>
    /// <returns>False if there is no question.</returns>
    public bool TakeBackAnswer()
    {
        if (_turns.Count > 0 && _turns[^1].Role == Assistant) _turns.RemoveAt(_turns.Count - 1);
        return _turns.Count > 0;
    }

    /// <summary>Writes the messages to a new file, as JSON.</summary>
    /// <exception cref="CrossheadException">The file exists, or cannot be written.</exception>
    public void Save(string path)
    {
        if (Path.Exists(path)) throw new CrossheadException($"\"{path}\" exists already; name a new file.");
        AtomicFile.WriteText(path, ToJson().ToJsonString(s_format) + "\n");
    }

    /// <summary>The messages as JSON.</summary>
    public JsonArray ToJson() => new([.. Messages.Select(Json)]);

    /// <summary>A message as JSON, in OpenAI's form.</summary>
    public static JsonNode Json(ChatMessage message) =>
        new JsonObject { ["role"] = message.Role, ["content"] = message.Content };
}
